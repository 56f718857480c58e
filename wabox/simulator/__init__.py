"""Plays a flow with a simulated clock: ``wabox chat``, ``wabox test`` and whoever else wants to try a bot without WhatsApp.

::

    simulator              one conversation: an input in, what was sent and where it stands out
    stubs                  results that stand in for calls
    bubble                 what was sent, as the customer sees it
    runner, expectation    conversation tests, played and compared
    coverage               what they came to, and what not
    report, junit          what became of them, for people and for CI
    moment, recording      a transcript becomes a test
"""

from wabox.simulator.simulator import BEGINS_AT, CUSTOMER, InputError, Simulator

__all__ = ["BEGINS_AT", "CUSTOMER", "InputError", "Simulator"]
