"""From nothing to a connected number, step by step. Names of menus are those of Meta's dashboards in autumn 2026."""

from __future__ import annotations

from wabox.core.checkup import Step
from wabox.services.doctor.meta import FIELDS, USEFUL, Standing
from wabox.settings import Settings


def steps(
    settings: Settings, standing: Standing, *, bot: bool, bots: bool, serves: bool, address: str, works: bool
) -> tuple[Step, ...]:
    """``bot``: there is one that loads; ``bots``: there is one, or are several; ``serves``: a server has the data folder;
    ``address`` is public and, if it ``works``, answers as Meta wants it to."""
    secret, verify, token = (
        f"WABOX_{name}" not in settings.missing for name in ("APP_SECRET", "VERIFY_TOKEN", "ACCESS_TOKEN")
    )
    info, number = standing.token, standing.number
    good = token and (info is None or info.valid)
    host = address or "https://bot.example.org/webhook"
    where = f"http://{settings.host}:{settings.port}"
    subscribed = standing.subscription is not None and FIELDS in standing.subscription.fields
    heard = (subscribed or bool(standing.url)) and standing.listens is not False
    return (
        Step(
            title="A bot that talks",
            done=bot,
            how=("There is one, but it does not load, or nobody has said which one it is: see The bot, above.",)
            if bots
            else (
                "Make one and try it; no account is needed for that:",
                "$ wabox new bakery && cd bakery",
                "$ wabox demo",
            ),
        ),
        Step(
            title="An app at Meta",
            done=secret and standing.secret is not False,
            how=(
                'At developers.facebook.com > My apps > Create app choose the use case "Connect with customers through '
                'WhatsApp" and your business portfolio (or let it make one).',
                "Copy the app secret: App settings > Basic > App secret > Show.",
                "$ export WABOX_APP_SECRET=…",
            ),
        ),
        Step(
            title="A token that lasts",
            done=good,
            how=(
                "At business.facebook.com > Settings > System users add one with the role Admin. Assign it the app and the "
                "WhatsApp account, both with full control.",
                "Generate a token for the app: expiry Never, permissions whatsapp_business_messaging and "
                "whatsapp_business_management. The one under API Setup lasts a day: good for a try, no more.",
                "$ export WABOX_ACCESS_TOKEN=…",
            ),
        ),
        Step(
            title="A number",
            done=good and number is not None and number.status in ("", "CONNECTED"),
            how=(
                "App dashboard > WhatsApp > API Setup shows a test number, good for five people; add your own there, with a "
                "number that no WhatsApp app uses. The code comes by SMS or call.",
                "The ids stand beside it:",
                "$ export WABOX_NUMBER_ID=… WABOX_ACCOUNT_ID=…",
            ),
        ),
        Step(
            title="A word that you choose",
            done=verify,
            how=(
                "Meta shows it once, to see that the address is yours. Any word that nobody guesses:",
                "$ export WABOX_VERIFY_TOKEN=$(openssl rand -hex 16)",
            ),
        ),
        Step(
            title="A server with a public address",
            done=serves and works,
            how=(
                "Start wabox, and put a reverse proxy with HTTPS in front of it. With Caddy, which gets the certificate by "
                "itself, that is one command:",
                "$ wabox serve",
                f"$ caddy reverse-proxy --from bot.example.org --to {where.removeprefix('http://')}",
                f"Then: wabox doctor --url {host}",
            ),
        ),
        Step(
            title="Meta knows the address",
            done=heard and standing.online,
            how=(
                f"App dashboard > WhatsApp > Configuration > Webhook: enter {host} and the verify token, then Verify and save.",
                f"Subscribe to the fields {', '.join((FIELDS, *USEFUL))}.",
                "The app must be Live (the switch at the top), or only test messages come.",
            ),
        ),
    )
