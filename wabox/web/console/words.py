"""What the pages of accounts say, in one place."""

from __future__ import annotations

from typing import Final

LOGIN: Final = {
    "title": "Sign in",
    "who": "Name",
    "password": "Password",
    "code": "Code from your phone, if you use one",
    "enter": "Sign in",
    "no_account": "No account? Whoever runs this server makes one: wabox agents add",
}
WRONG: Final = "That name, password and code do not go together."
TOO_OFTEN: Final = "Too many attempts. Try again in {seconds} seconds."
FOREIGN: Final = "Open this page again and sign in here."
EMPTY: Final = "Type your name and your password."
