"""Mail by SMTP, as the standard library speaks it: one connection a message, one try, and our own id on it."""

import smtplib
import ssl
from collections.abc import Sequence
from datetime import datetime
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import formatdate
from typing import Final

from loyalty_engine import clock
from loyalty_engine.channels import Accepted, Ambiguous, Listed, Outcome, Outgoing, Refused
from loyalty_engine.config import EmailSettings

SECONDS: Final = 15
CONSENTS: Final = "/my/consents"
"""The page on which a member says what may be sent."""
_SHUTTING_DOWN: Final = 421
_NO_MAIL: Final = (ValueError, TypeError, LookupError, AttributeError, MessageError)
"""What the library raises over an address or a header of which it can make no mail."""
_NOT_WRITTEN: Final = Refused("address", permanent=True)


class SmtpMail:
    """A mail server, as it is set up."""

    provider = "smtp"

    def __init__(self, settings: EmailSettings, public_url: str, context: ssl.SSLContext | None = None) -> None:
        self._settings, self._public_url = settings, public_url
        self._context = context or ssl.create_default_context()

    def send(self, outgoing: Outgoing) -> Outcome:
        """Hand a mail over. Until the text is begun nothing is sent; from then on a lost connection leaves it open."""
        try:
            message = self._message(outgoing)
        except _NO_MAIL:
            return _NOT_WRITTEN
        try:
            server = self._connected()
        except smtplib.SMTPResponseException as error:
            # Wrong for every mail alike: none is to be lost while the operator sets it right.
            return Refused(str(error.smtp_code), permanent=False)
        except (OSError, smtplib.SMTPException):
            return Refused("not_connected", permanent=False)
        try:
            server.send_message(message, self._settings.sender, [outgoing.to])
        except smtplib.SMTPRecipientsRefused as error:
            ((code, _),) = error.recipients.values()
            return Refused(str(code), permanent=code >= 500, of_address=code != _SHUTTING_DOWN)
        except smtplib.SMTPSenderRefused as error:
            return Refused(str(error.smtp_code), permanent=False)
        except smtplib.SMTPResponseException as error:
            return _answered(error)
        except smtplib.SMTPNotSupportedError:
            return _NOT_WRITTEN
        except (OSError, smtplib.SMTPException):
            return Ambiguous("connection_lost")
        finally:
            server.close()
        return Accepted(message["Message-ID"].strip("<>"))

    def find(self, to: str, digest: str, since: datetime, until: datetime) -> Sequence[Listed] | None:
        """A mail server keeps no list."""
        return None

    def _connected(self) -> smtplib.SMTP:
        found = self._settings
        if found.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(found.host, found.port, timeout=SECONDS, context=self._context)
        else:
            server = smtplib.SMTP(found.host, found.port, timeout=SECONDS)
        try:
            if found.security == "starttls":
                server.starttls(context=self._context)
            if found.user:
                server.login(found.user, found.password)
        except BaseException:
            server.close()
            raise
        return server

    def _message(self, outgoing: Outgoing) -> EmailMessage:
        message = EmailMessage(policy=SMTP)
        domain = self._settings.sender.rpartition("@")[2]
        message["Message-ID"] = f"<{outgoing.message_id}@{domain}>"
        message["Date"] = formatdate(clock.now().timestamp(), usegmt=True)
        message["From"], message["To"] = self._settings.sender, outgoing.to
        message["Subject"] = outgoing.subject
        message["Auto-Submitted"] = "auto-generated"
        if self._public_url:
            message["List-Unsubscribe"] = f"<{self._public_url}{CONSENTS}>"
        message.set_content(outgoing.text)
        # Written once for nothing: what can't be is known before the server is asked.
        message.as_bytes(policy=SMTP if outgoing.to.isascii() else SMTPUTF8)
        return message


def _answered(error: smtplib.SMTPResponseException) -> Outcome:
    """An answer of 4xx or 5xx says that the server did not take the mail; anything else says nothing."""
    code = int(error.smtp_code)
    if isinstance(error, smtplib.SMTPServerDisconnected) or not 400 <= code < 600:
        return Ambiguous(str(code))
    return Refused(str(code), permanent=code >= 500)
