"""Plays a flow with a simulated clock: ``wabox chat``, ``wabox test`` and whoever else wants to try a bot without WhatsApp.

::

    simulator    one conversation: an input in, what was sent and where it stands out
    stubs        results that stand in for calls
"""

from wabox.simulator.simulator import BEGINS_AT, CUSTOMER, InputError, Simulator

__all__ = ["BEGINS_AT", "CUSTOMER", "InputError", "Simulator"]
