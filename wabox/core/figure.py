"""Every number that wabox tells, once: ``/metrics``, ``/api/v1/figures``, ``wabox top`` and the manual say these.

Names and units follow Prometheus: seconds, bytes, ``_total`` for what only rises. A label has as many values as the bot's own
files, Meta's categories and wabox's words make; never a customer's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True, slots=True)
class Figure:
    name: str
    """Without ``wabox_``."""
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()

    @property
    def full(self) -> str:
        """As Prometheus has it."""
        return self.name if self.name.startswith("process_") else f"wabox_{self.name}"


_ALL = (
    # The way of a message, measured in this process.
    Figure("webhooks_total", "counter", "Webhooks answered, by HTTP status", ("status",)),
    Figure("webhook_ack_seconds", "histogram", "From a webhook's first byte to its answer"),
    Figure("queue_wait_seconds", "histogram", "From a message's webhook to the begin of its turn, its own commit included"),
    Figure("turn_seconds", "histogram", "From the begin of a turn to its commit, by the tier that decided", ("tier",)),
    Figure("turn_failures_total", "counter", "Turns that failed and ended in an apology"),
    Figure("alerts_total", "counter", "Alerts to people, by how they were sent and what came of it", ("by", "outcome")),
    Figure("turn_conflicts_total", "counter", "Turns that began again because the conversation had moved on"),
    Figure("turns_slow_total", "counter", "Turns that took longer than [log] slow"),
    Figure("timer_lateness_seconds", "histogram", "How late timers were handled"),
    Figure("send_seconds", "histogram", "Requests to WhatsApp, by what became of them", ("verdict",)),
    Figure("delivery_seconds", "histogram", "From the customer's webhook to the answer's status delivered"),
    Figure("writer_batch_operations", "histogram", "Operations that shared one commit"),
    Figure("writer_commit_seconds", "histogram", "Time that a commit waited for the disk"),
    # What was said and done, read from the transcript.
    Figure("messages_total", "counter", "What entered conversations, by channel and type", ("channel", "type")),
    Figure("understood_total", "counter", "Customers' messages, by the tier that decided", ("tier",)),
    Figure("understanding_seconds", "histogram", "Understanding alone, by tier", ("tier",)),
    Figure("intents_total", "counter", "Messages, by intent", ("intent",)),
    Figure("fallbacks_total", "counter", "Messages that nobody understood, by cause", ("cause",)),
    Figure("handoffs_total", "counter", "Cases opened, by the intent of the message that led to it", ("intent",)),
    Figure("handoff_claim_seconds", "histogram", "From a case's opening to the first person who takes it"),
    Figure("handoff_follow_ups_total", "counter", "Follow-ups after a close: begun, or skipped with a reason", ("outcome",)),
    Figure("handoff_ratings_total", "counter", "Customers' marks, 1 to 5; skipped: WhatsApp was closed", ("mark",)),
    Figure("conversations_started_total", "counter", "Conversations begun, by flow", ("flow",)),
    Figure(
        "conversations_ended_total",
        "counter",
        "Conversations over, by flow, state and outcome: done, expired, reset",
        ("flow", "state", "outcome"),
    ),
    Figure("state_entries_total", "counter", "How often a turn came to rest in a state that it was not in", ("flow", "state")),
    Figure("returns_total", "counter", "Customers back after the soft (nudged) or hard (archived) timeout", ("after",)),
    Figure("flow_errors_total", "counter", "Errors of flows, actions and calls on record"),
    Figure("outbound_messages_total", "counter", "Messages that the bot or a person said"),
    Figure("outbound_failures_total", "counter", "Messages that failed for good"),
    Figure("llm_requests_total", "counter", "Messages about which a language model was asked, by outcome", ("outcome",)),
    Figure("llm_tokens_total", "counter", "Tokens read and written by the language model", ("direction",)),
    Figure("llm_spent_total", "counter", "Money for the language model, in the unit of its prices"),
    # How it stands now.
    Figure("queue_messages", "gauge", "Messages held in memory, waiting or being handled"),
    Figure("queue_timers", "gauge", "How many of them are timers"),
    Figure("inbox_messages", "gauge", "Stored messages that are not handled yet"),
    Figure("writer_waiting_operations", "gauge", "Operations handed to the writer and not committed yet"),
    Figure("writer_oldest_seconds", "gauge", "How long the oldest of them has waited"),
    Figure("store_writable", "gauge", "1 while the last commit succeeded, else 0"),
    Figure("outbox_messages", "gauge", "Messages that still have to leave"),
    Figure("outbox_oldest_seconds", "gauge", "Age of the oldest of them that could leave now"),
    Figure("cluster_partitions", "gauge", "Partitions that this worker has; together they must be all"),
    Figure("cluster_partitions_closed", "gauge", "Partitions whose shard of Redis does not answer this process"),
    Figure("cluster_unreplicated_total", "counter", "Writes that went on although no replica had them"),
    Figure("cluster_version_missing", "gauge", "1 while this process cannot load the version that is live, else 0"),
    Figure("cluster_leads", "gauge", "1 on the worker that looks after the desk for all of them, else 0"),
    Figure("cluster_broker_reachable", "gauge", "1 while RabbitMQ answers this process, else 0"),
    Figure("number_stopped", "gauge", "1 for a number from which nothing leaves at present", ("number",)),
    Figure("conversations", "gauge", "Conversations that are stored"),
    Figure("conversations_in_state", "gauge", "Open conversations active within 7 days", ("flow", "state")),
    Figure("handoffs_waiting", "gauge", "Cases that wait for a person"),
    Figure("handoffs_oldest_seconds", "gauge", "How long the oldest of them has waited"),
    Figure("handoffs_untold", "gauge", "Cases that wait for two minutes or more and that nobody could be told of"),
    Figure("dead_letters", "gauge", "Webhook elements that nobody could read"),
    Figure("free_messages_used", "gauge", "Service messages delivered this month of the free ones", ("number",)),
    Figure("free_messages_limit", "gauge", "Free service messages a month", ("number",)),
    Figure("month_delivered_messages", "gauge", "Messages delivered this month", ("number", "flow", "category")),
    Figure("month_billed_messages", "gauge", "Those of them that Meta says it charges", ("number", "flow", "category")),
    Figure("llm_spent_today", "gauge", "Money for the language model today, in the unit of its prices"),
    Figure("llm_limit_today", "gauge", "What may be spent today"),
    Figure("info", "gauge", "Always 1; which wabox, bot and version run", ("version", "bot", "published")),
    Figure("process_resident_memory_bytes", "gauge", "Memory of this process"),
    Figure("process_cpu_seconds_total", "counter", "CPU time of this process"),
    Figure("process_start_time_seconds", "gauge", "When it started, seconds since the epoch"),
)  # fmt: skip

FIGURES: Mapping[str, Figure] = {figure.name: figure for figure in _ALL}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One number, or one histogram, as it stands."""

    name: str
    labels: tuple[str, ...] = ()
    """In the order of the figure's."""
    value: float = 0.0
    """Of a histogram: the sum."""
    bounds: tuple[float, ...] = ()
    counts: tuple[float, ...] = ()
    """Of a histogram, by bucket, not cumulated; one more than there are bounds."""
