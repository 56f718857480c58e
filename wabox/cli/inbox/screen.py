"""The inbox on a terminal: a queue, a conversation, a line to answer on. What it knows: :mod:`wabox.cli.inbox.desk`."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, ClassVar

from textual import work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.events import Key
from textual.message import Message
from textual.widgets import OptionList, Static, TextArea
from textual.widgets.option_list import Option

from wabox.cli.inbox import view
from wabox.cli.inbox.ask import Ask, Choose, Help, Paths
from wabox.cli.inbox.desk import Desk, Draft
from wabox.cli.inbox.typed import ASKED, DID, file_of, pair, words
from wabox.errors import WaboxError


class ReplyLine(TextArea):
    """Enter sends; Ctrl+J begins a line; what is pasted stays as it is."""

    class Sent(Message):
        pass

    class Left(Message):
        pass

    async def _on_key(self, event: Key) -> None:
        if event.key in ("enter", "escape"):
            event.stop()
            event.prevent_default()
            self.post_message(self.Sent() if event.key == "enter" else self.Left())
        elif event.key in ("ctrl+j", "shift+enter", "alt+enter"):
            event.stop()
            event.prevent_default()
            self.insert("\n")
        else:
            await super()._on_key(event)


class InboxApp(App[None]):
    TITLE = "wabox inbox"
    ENABLE_COMMAND_PALETTE = False
    CSS: ClassVar[str] = """
    #top { height: 1; background: $panel; text-style: bold; }
    #queue { width: 28; height: 1fr; border: none; padding: 0; scrollbar-size-vertical: 1; }
    #queue:focus { border: none; }
    #case { width: 1fr; border-left: solid $foreground-muted; padding: 0 0 0 1; }
    #head { height: 4; }
    #said { height: 1fr; border-top: solid $foreground-muted; scrollbar-size-vertical: 1; }
    #attached { height: auto; max-height: 2; }
    #reply { height: auto; min-height: 3; max-height: 6; border: solid $foreground-muted; padding: 0; }
    #reply:focus { border: heavy $accent; }
    #status { height: auto; max-height: 4; background: $panel; }
    Ask, Choose, Help { align: center middle; }
    .box { width: 76; max-width: 98%; height: auto; max-height: 90%; border: heavy $accent; background: $surface; }
    .box OptionList { height: auto; max-height: 14; border: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "answer", "answer"),
        Binding("c", "claim(False)", "claim"),
        Binding("C", "claim(True)", "take"),
        Binding("D", "decline", "decline"),
        Binding("n", "ask('note')", "note"),
        Binding("t", "transfer", "transfer"),
        Binding("x", "ask('close')", "close"),
        Binding("a", "ask('attach')", "attach"),
        Binding("p", "ask('template')", "template"),
        Binding("d", "drop", "drop"),
        Binding("k", "canned", "canned"),
        Binding("i", "known", "known"),
        Binding("o", "older", "older"),
        Binding("question_mark", "help", "help"),
        Binding("q", "leave", "leave"),
        Binding("ctrl+c", "leave", "leave", priority=True),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self._status = ""
        self._all = False
        """Everything known is shown instead of the transcript."""
        self._rows: list[str] = []
        self._warned = False
        self._typed = Draft()
        """What is on the line."""

    def compose(self) -> ComposeResult:
        yield Static(id="top", markup=False)
        with Horizontal():
            yield OptionList(id="queue", markup=False)
            with Vertical(id="case"):
                yield Static(id="head", markup=False)
                with VerticalScroll(id="said", can_focus=False):
                    yield Static(id="words", markup=False)
                yield Static(id="attached", markup=False)
                yield ReplyLine(id="reply", highlight_cursor_line=False, placeholder="r or Enter: answer here")
        yield Static(id="status", markup=False)

    def on_mount(self) -> None:
        self.query_one("#queue").focus()
        self.set_interval(1.0, self._tick)
        self.show()
        self.follow()

    @work
    async def follow(self) -> None:
        await self.desk.follow(self._told)

    def _told(self, loud: bool) -> None:
        if loud:
            self.bell()
        self.show()

    # ---- what is shown -----------------------------------------------------------------------------------------------------

    def show(self) -> None:
        """Everything, as it is known now."""
        self._queue()
        self._case()
        self._line()
        self._tick()

    def _tick(self) -> None:
        """What time alone changes."""
        desk = self.desk
        waiting = sum(case["status"] == "waiting" for case in desk.cases)
        yours = sum(case["agent"] == desk.who for case in desk.cases)
        state = f"✗ {desk.trouble}; trying again" if desk.trouble else f"{waiting} wait, {yours} yours"
        self.query_one("#top", Static).update(f" {desk.who}: {state}")
        keys = "? help  c claim  n note  t transfer  x close  k canned  a attach  q quit"
        self.query_one("#status", Static).update(f" {self._status or keys}")
        self._queue()
        self._head()

    def _queue(self) -> None:
        desk, queue = self.desk, self.query_one("#queue", OptionList)
        passed, ids = desk.now() - desk.at, [case["id"] for case in desk.cases]
        prompts = [view.row(case, passed, desk.who, self._marks(case["id"]), 27) for case in desk.cases]
        if ids != [option.id for option in queue.options]:
            at = desk.chosen
            with self.prevent(OptionList.OptionHighlighted):
                queue.set_options([Option(prompt, id=id_) for prompt, id_ in zip(prompts, ids, strict=True)])
                if at in ids:
                    queue.highlighted = ids.index(at)
            if (
                at not in ids
                and ids
                and (at is None or self.desk.draft(at).empty)
                and not self.query_one("#reply").has_focus
            ):
                queue.highlighted = 0
        else:
            for place, (prompt, old) in enumerate(zip(prompts, self._rows, strict=False)):
                if prompt != old:
                    queue.replace_option_prompt_at_index(place, prompt)
        self._rows = prompts

    def _marks(self, case: str) -> str:
        draft = self.desk.drafts.get(case)
        chosen = "›" if case == self.desk.chosen else " "
        return chosen + ("+" if case in self.desk.news else "") + ("✎" if draft is not None and not draft.empty else "")

    def _head(self) -> None:
        desk = self.desk
        report, head = desk.report, self.query_one("#head", Static)
        if report is not None:
            head.update(view.head(report, desk.now() - desk.at, head.size.width))
        elif desk.chosen is None:
            head.update("nobody waits" if desk.at else "one moment …")

    def _case(self) -> None:
        report, scroll = self.desk.report, self.query_one("#said", VerticalScroll)
        at_end = scroll.scroll_offset.y >= scroll.max_scroll_y
        words = (
            ""
            if report is None
            else view.known(report, max(20, scroll.size.width - 2))
            if self._all
            else view.transcript(report)
        )
        self.query_one("#words", Static).update(words)
        self._head()
        if self._all:
            scroll.scroll_home(animate=False)
        elif at_end or report is None:
            self.call_after_refresh(scroll.scroll_end, animate=False)

    def _line(self) -> None:
        """What is typed for this case."""
        line, chosen = self.query_one("#reply", ReplyLine), self.desk.chosen
        self._typed.write(line.text)  # whatever was typed since the last look; the terminal is ahead of its messages
        draft = Draft() if chosen is None else self.desk.draft(chosen)
        if draft is not self._typed:
            with self.prevent(TextArea.Changed):
                line.text = draft.text
            line.move_cursor(line.document.end)
            self._typed = draft
        line.disabled = chosen is None
        file = draft.file
        attached = (
            ""
            if file is None
            else f"attached: {file['name']}, {file['kind']}, {file['size'] // 1024 + 1} KiB (d drops it)"
        )
        self.query_one("#attached", Static).update(attached)

    def say(self, status: str) -> None:
        self._status = status
        self._tick()

    # ---- what is done ------------------------------------------------------------------------------------------------------

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        if event.option_list.id == "queue" and event.option.id is not None and event.option.id != self.desk.chosen:
            self.choose(event.option.id)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        if event.option_list.id == "queue":
            self.action_answer()

    @work(exclusive=True, group="choose")
    async def choose(self, case: str) -> None:
        self._status, self._all = "", False
        await self._done(self.desk.choose(case), "")
        self.query_one("#said", VerticalScroll).scroll_end(animate=False)

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        self._typed.write(event.text_area.text)

    def on_reply_line_left(self) -> None:
        self.query_one("#queue").focus()
        self.show()

    def on_reply_line_sent(self) -> None:
        case = self.desk.chosen
        self._line()
        if case is not None and not self.desk.draft(case).empty:
            self.send(case)

    @work(exclusive=True, group="send")
    async def send(self, case: str) -> None:
        line = self.query_one("#reply", ReplyLine)
        line.read_only = True
        self.say("sending …")
        try:
            await self._done(self.desk.reply(case), "")
        finally:
            line.read_only = False

    async def _done(self, doing: Awaitable[Any], said: str) -> bool:
        """Whether it was; a refusal is shown in the server's words."""
        try:
            await doing
        except WaboxError as error:
            self._status = f"✗ not done: {error}"
            self.bell()
            self.show()
            return False
        self._status = said
        self.show()
        return True

    @work(exclusive=True, group="act")
    async def act(self, what: str, said: str, **body: Any) -> None:
        case = self.desk.chosen
        if case is not None and await self._done(self.desk.act(case, what, **body), said):
            self.desk.prompts.pop((case, what), None)

    def action_answer(self) -> None:
        if self.desk.chosen is not None:
            self.query_one("#reply").focus()

    def action_claim(self, take: bool) -> None:
        self.act("claim", "it is yours", take=take)

    def action_decline(self) -> None:
        self.act("decline", "the next one is asked")

    def action_help(self) -> None:
        self.push_screen(Help())

    def action_known(self) -> None:
        self._all = not self._all
        self._case()

    @work(exclusive=True, group="older")
    async def action_older(self) -> None:
        try:
            more = await self.desk.older()
        except WaboxError as error:
            self.say(f"✗ {error}")
            return
        if more:
            self._case()
            self.call_after_refresh(self.query_one("#said", VerticalScroll).scroll_home, animate=False)
        else:
            self.say("this is all that can be shown here; wabox handoff show has more, with --lines")

    def action_drop(self) -> None:
        if self.desk.chosen is not None:
            self.desk.draft(self.desk.chosen).file = None
            self.show()

    def action_leave(self) -> None:
        unsent = self.desk.unsent
        if unsent and not self._warned:
            self._warned = True
            self.say(f"✗ {unsent} {'reply is' if unsent == 1 else 'replies are'} typed and not sent; q again leaves")
            return
        self.exit()

    @work(exclusive=True, group="ask")
    async def action_ask(self, what: str) -> None:
        await self._asked(what, ASKED[what])

    @work(exclusive=True, group="ask")
    async def action_transfer(self) -> None:
        try:
            queues = ", ".join(await self.desk.queues())
        except WaboxError as error:
            self.say(f"✗ {error}")
            return
        await self._asked("transfer", ASKED["transfer"].format(queues=queues or "default"))

    async def _asked(self, what: str, title: str) -> None:
        case = self.desk.chosen
        if case is None:
            return
        begun = self.desk.prompts

        def typed(text: str) -> None:
            begun[case, what] = text

        suggester = Paths() if what == "attach" else None
        asked = Ask(title, before=begun.get((case, what), ""), typed=typed, suggester=suggester)
        text = await self.push_screen_wait(asked)
        if text is None or (not text and what != "close"):
            return
        if await self._done(self._do(case, what, text), DID[what]):
            begun.pop((case, what), None)

    async def _do(self, case: str, what: str, text: str) -> None:
        desk = self.desk
        match what:
            case "attach":
                await desk.attach(case, file_of(text))
            case "template":
                name, *values = words(text)
                await desk.template(case, name, dict(pair(value) for value in values))
            case "transfer":
                where, _, note = text.partition(" ")
                to, queue = (where[1:], None) if where.startswith("@") else (None, where)
                await desk.act(case, "transfer", to=to, queue=queue, text=note.strip() or None)
            case _:
                await desk.act(case, what, text=text or None)

    @work(exclusive=True, group="ask")
    async def action_canned(self) -> None:
        case = self.desk.chosen
        if case is None:
            return
        try:
            found = await self.desk.canned(case)
        except WaboxError as error:
            self.say(f"✗ {error}")
            return
        if not found:
            self.say("no canned answers: they stand in canned.yaml, in the bot's folder")
            return
        place = await self.push_screen_wait(Choose("A canned answer:", list(view.offers(found, 70))))
        if place is None or self.desk.chosen != case:
            return
        answer, line = found[place], self.query_one("#reply", ReplyLine)
        line.focus()
        line.insert(answer["text"])
        if answer["missing"]:
            self.say(f"✗ look at it: the conversation does not know {', '.join(answer['missing'])}")
