"""The demo: a fake WhatsApp Cloud API and a phone in the browser, so that a newcomer needs no account and no network.

Only Meta is faked. The bot's side is the production path: real HTTP, real signatures, real database.
"""
