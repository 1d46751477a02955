// The little that needs a script: a new card code before the old one ends, installing, and the worker that keeps the shell.
(() => {
  "use strict";

  const code = document.getElementById("card-code");
  const letters = document.getElementById("card-letters");
  const old = document.getElementById("card-old");
  let renewAt = 0;
  let endsAt = 0;

  const begin = (renewIn, goodFor) => {
    renewAt = Date.now() + renewIn * 1000;
    endsAt = Date.now() + goodFor * 1000;
    code.classList.remove("ended");
    old.hidden = true;
  };

  const renew = async () => {
    renewAt = Date.now() + 5000;
    try {
      const answer = await fetch("/my/card/code", { headers: { Accept: "application/json" }, redirect: "error" });
      if (!answer.ok) return;
      const shown = await answer.json();
      // Drawn by our own server, out of characters that mean nothing in HTML.
      code.innerHTML = shown.code;
      letters.textContent = shown.token.replace(/(.{4})(?=.)/g, "$1 ");
      begin(shown.renew_in, shown.good_for);
    } catch {
      // Without a connection the code that is shown stays until it ends.
    }
  };

  const look = () => {
    const now = Date.now();
    if (now >= endsAt) {
      code.classList.add("ended");
      old.hidden = false;
    }
    if (now >= renewAt && document.visibilityState === "visible") renew();
  };

  if (code) {
    begin(Number(code.dataset.renew), Number(code.dataset.good));
    setInterval(look, 1000);
    document.addEventListener("visibilitychange", look);
  }

  const install = document.getElementById("install");
  addEventListener("beforeinstallprompt", (event) => {
    if (!install) return;
    event.preventDefault();
    install.hidden = false;
    install.addEventListener("click", () => { event.prompt(); install.hidden = true; }, { once: true });
  });

  if ("serviceWorker" in navigator && window.isSecureContext && document.body.classList.contains("inside")) {
    navigator.serviceWorker.register("/my/worker.js", { scope: "/my" }).catch(() => {});
  }
})();
