// What changes, as it happens: one stream for the page. After a gap everything is read again, so nothing is missed.

import { get } from "./api.js";

const SILENT = 45_000; // ms; the server says something every 20 s
const listeners = new Set();
let source = null;
let live = false;
let last = 0;
let pause = 500;

// `heard` gets a change, or null: read everything again. Returns what ends it.
export function listen(heard) {
  listeners.add(heard);
  return () => listeners.delete(heard);
}

// `told` hears whether the server can be heard.
export function begin(told) {
  const tell = (now) => {
    if (now === live) return;
    live = now;
    told(now);
    if (now) for (const heard of [...listeners]) heard(null);
  };
  const open = () => {
    source?.close();
    source = new EventSource("/api/v1/events");
    last = Date.now();
    source.onmessage = ({ data }) => {
      last = Date.now();
      pause = 500;
      tell(true);
      const change = JSON.parse(data);
      if (change.kinds) for (const heard of [...listeners]) heard(change);
    };
    source.onerror = () => {
      tell(false);
      // A browser gives up where it was refused: then we look whether we are signed in, and try again.
      if (source.readyState !== EventSource.CLOSED) return;
      pause = Math.min(pause * 2, 10_000);
      setTimeout(() => get("/agents/me").then(open, open), pause);
    };
  };
  open();
  addEventListener("online", open);
  addEventListener("offline", () => {
    source.close(); // what still trickles in is not the truth any more
    tell(false);
  });
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (event) => event.persisted && open());
  setInterval(() => Date.now() - last > SILENT && open(), 5_000);
}

// Calls `work` once now and once more after those that came meanwhile, `rest` ms apart at least.
export function gathered(work, rest = 250) {
  let busy = false;
  let again = false;
  return async function run() {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    do {
      again = false;
      await work();
      await new Promise((done) => setTimeout(done, rest));
    } while (again);
    busy = false;
  };
}
