// The conversation of bench_engine on the pure `transition` of XState v5: restored from JSON before each event, JSON after it.
// `node peer_xstate.mjs SECONDS` prints events per CPU-second; xstate is looked up from the working folder.
import { createRequire } from "node:module";
import { performance } from "node:perf_hooks";
const require = createRequire(process.cwd() + "/");
const { createMachine, assign, transition, initialTransition } = require("xstate");
const { version } = require("xstate/package.json");

const machine = createMachine({
  id: "shop",
  initial: "browsing",
  context: { name: "Ana", items: 2, total: 49.9 },
  on: { HUMAN: ".handed_off" },
  states: {
    browsing: { entry: "ask", on: { ORDER: { target: "checkout", guard: ({ context }) => context.total > 0 } } },
    checkout: {
      initial: "address",
      onDone: "fulfilment",
      on: { HELP_REQUESTED: "help" },
      states: {
        back: { type: "history", history: "deep" },
        address: {
          initial: "asking",
          onDone: "confirm_items",
          states: {
            asking: {
              entry: "ask",
              on: { ADDRESS_GIVEN: { target: "noted", actions: assign({ address: ({ event }) => event.text }) } },
            },
            noted: { type: "final" },
          },
        },
        confirm_items: { entry: "ask", on: { CONFIRMED: "payment", CHANGE: "address" } },
        payment: {
          initial: "summary",
          onDone: "paid",
          states: {
            summary: { entry: "ask", on: { CONFIRMED: "method" } },
            method: {
              entry: "ask",
              on: { METHOD_CHOSEN: { target: "waiting", actions: assign({ method: () => "card" }) } },
            },
            waiting: { entry: "say", after: { 600000: "method" }, on: { PAID: "received" } },
            received: { type: "final" },
          },
        },
        paid: { type: "final", entry: "say" },
      },
    },
    help: { entry: "ask", on: { RESUME: "checkout.back" } },
    handed_off: { entry: "handoff", on: { RESUME: "checkout.back" } },
    fulfilment: { type: "final", entry: "say" },
  },
});

const events = [
  ["ORDER", "order"],
  ["ADDRESS_GIVEN", "Calle 5 #12, Oaxaca"],
  ["HELP_REQUESTED", "help"],
  ["RESUME", "go on"],
  ["CONFIRMED", "yes"],
  ["CONFIRMED", "yes"],
  ["METHOD_CHOSEN", "card"],
  ["PAID", "paid"],
].map(([type, text]) => ({ type, text }));
const [first] = initialTransition(machine);
const data = JSON.stringify(machine.getPersistedSnapshot(first));

function stored() {
  let json = data;
  let snapshot;
  for (const event of events) {
    [snapshot] = transition(machine, machine.restoreSnapshot(JSON.parse(json)), event);
    json = JSON.stringify(machine.getPersistedSnapshot(snapshot));
  }
  return snapshot;
}

function live() {
  let snapshot = first;
  for (const event of events) [snapshot] = transition(machine, snapshot, event);
  return snapshot;
}

function rate(conversation, seconds) {
  const end = performance.now() + seconds * 1000;
  const before = process.cpuUsage();
  let count = 0;
  while (performance.now() < end) for (let i = 0; i < 20; i++, count++) conversation();
  const used = process.cpuUsage(before);
  return (count * events.length * 1e6) / (used.user + used.system);
}

for (const conversation of [stored, live])
  if (conversation().value !== "fulfilment") throw new Error(`${conversation.name} ends in ${JSON.stringify(conversation().value)}`);
const seconds = Number(process.argv[2] ?? 1);
rate(stored, 0.5), rate(live, 0.5);
console.log(JSON.stringify({ version, stored: rate(stored, seconds), live: rate(live, seconds) }));
