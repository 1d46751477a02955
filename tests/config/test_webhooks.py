"""Where webhooks go is read from the settings, and what can't be right is said before anything starts."""

import pytest

from loyalty_engine.config import WrongSetting, from_environment
from loyalty_engine.config.webhooks import KINDS, WebhookTarget

SECRETS = {"LOYALTY_WEBHOOK_SECRET_CRM": "sixteen-letters!", "LOYALTY_WEBHOOK_SECRET_NEW_ERP": "another-secret-of-it"}


def targets(text: str, **more: str) -> tuple[WebhookTarget, ...]:
    return from_environment({"LOYALTY_WEBHOOKS": text, **SECRETS, **more}).webhooks


def test_without_the_setting_there_is_no_target() -> None:
    assert from_environment({}).webhooks == ()
    assert from_environment({"LOYALTY_WEBHOOKS": " \n"}).webhooks == ()


@pytest.mark.parametrize(
    "text",
    [
        "crm=https://crm.example/hook?a=b;kinds=tier,accrual,new-erp=http://127.0.0.1:8080/in",
        "crm=https://crm.example/hook?a=b; kinds=accrual, tier\nnew-erp=http://127.0.0.1:8080/in\n",
        "crm=https://crm.example/hook?a=b;kinds=accrual;kinds=tier,\n new-erp=http://127.0.0.1:8080/in",
    ],
)
def test_targets_stand_in_lines_or_behind_commas(text: str) -> None:
    crm, erp = targets(text)
    assert (crm.name, crm.url, crm.kinds) == ("crm", "https://crm.example/hook?a=b", ("accrual", "tier"))
    assert (erp.name, erp.url, erp.kinds, erp.secrets) == (
        "new-erp", "http://127.0.0.1:8080/in", KINDS, ("another-secret-of-it",),
    )  # fmt: skip


def test_two_secrets_sign_while_one_takes_the_others_place() -> None:
    (crm,) = targets("crm=https://crm.example/", LOYALTY_WEBHOOK_SECRET_CRM="the-new-one-is-long, the-old-one-is-long")
    assert crm.secrets == ("the-new-one-is-long", "the-old-one-is-long")
    assert "the-new-one-is-long" not in repr(crm)


@pytest.mark.parametrize(
    "url",
    [
        "https://10.1.2.3/hook", "https://[2001:db8::1]:8443/x", "http://localhost:80/", "http://[::1]/", "https://crm/",
    ],
)  # fmt: skip
def test_an_address_of_the_shops_own_network_is_good(url: str) -> None:
    assert [one.url for one in targets(f"crm={url}")] == [url]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("crm", "crm has no host"),
        ("CRM=https://crm.example/", "a name is small letters"),
        ("a_b=https://crm.example/", "a name is small letters"),
        ("crm=https://a.example/\ncrm=https://b.example/", "crm twice"),
        ("crm=http://crm.example/", "it takes https://HOST/PATH"),
        ("crm=ftp://crm.example/", "it takes https://HOST/PATH"),
        ("crm=https:///hook", "no host"),
        ("crm=https://crm.example:99999/", "a wrong port"),
        ("crm=https://user:secret@crm.example/", "leave the user, the password and the fragment out"),
        ("crm=https://crm.example/#x", "leave the user, the password and the fragment out"),
        ("crm=https://crm.example/a b", "in ASCII without spaces"),
        ("crm=https://crm.example/ü", "in ASCII without spaces"),
        ("crm=https://169.254.169.254/latest/meta-data", "a link-local address"),
        ("crm=https://[fe80::1]/", "a link-local address"),
        ("crm=https://[fe80::1%25eth0]/", "a link-local address"),
        ("crm=https://[::ffff:169.254.169.254]/", "a link-local address"),
        ("crm=https://0.0.0.0/", "an address of nobody in particular"),
        ("crm=https://224.0.0.1/", "an address of nobody in particular"),
        ("crm=https://crm.example/;kinds=accruals", "asks for accruals; the kinds are accrual, redemption"),
        ("crm=https://crm.example/;retries=3", "there is only kinds="),
        ("erp=https://erp.example/", "LOYALTY_WEBHOOK_SECRET_ERP has to hold a secret of at least 16 characters"),
    ],
)
def test_what_cannot_be_right_is_said(text: str, says: str) -> None:
    with pytest.raises(WrongSetting, match="LOYALTY_WEBHOOK") as refused:
        targets(text)
    assert says in str(refused.value)
    assert "secret@" not in str(refused.value)


@pytest.mark.parametrize("secret", ["", "fifteen-letters", "sixteen-letters! short"])
def test_a_short_secret_is_refused(secret: str) -> None:
    with pytest.raises(WrongSetting, match="at least 16 characters"):
        targets("crm=https://crm.example/", LOYALTY_WEBHOOK_SECRET_CRM=secret)
