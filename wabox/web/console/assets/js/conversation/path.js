// Which lines of a chart's picture a conversation came along. Pure: edges and turns in, numbers of edges out.
//
// An edge is { number, from, to, marks: [{ source, events, targets }] }, as the picture has them; a turn { flow, events, states }.

const inside = (id, around) => around === "" || id === around || id.startsWith(`${around}.`);
const touch = (one, other) => inside(one, other) || inside(other, one);

// `marks`: "source|event,event|target,target", parted by blanks.
export function marksOf(text) {
  return text.split(" ").filter(Boolean).map((mark) => {
    const [source, events, targets] = mark.split("|");
    return { source, events: events.split(",").filter(Boolean), targets: targets.split(",").filter(Boolean) };
  });
}

const heard = (pattern, event) => pattern === event || pattern === "*" || (pattern.endsWith(".*") && event.startsWith(pattern.slice(0, -1)));

// The edges of one turn, from one configuration to the next.
export function between(edges, before, turn) {
  const goes = (edge) => edge.marks.some((mark) => before.some((leaf) => inside(leaf, mark.source)) && mark.events.some((pattern) => turn.events.some((event) => heard(pattern, event))));
  const found = new Set(edges.filter(goes));
  // What follows by itself: `always`, and the way into a box.
  const silent = edges.filter((edge) => !found.has(edge) && (edge.initial || edge.marks.some((mark) => !mark.events.length)));
  for (let grew = true; grew; ) {
    grew = false;
    for (const edge of silent) {
      if (found.has(edge) || ![...found].some((other) => touch(other.to, edge.initial ? parent(edge.to) : edge.from))) continue;
      found.add(edge);
      grew = true;
    }
  }
  // Only what leads to where it came to rest.
  for (let shrank = true; shrank; ) {
    shrank = false;
    for (const edge of found) {
      const ends = turn.states.some((leaf) => inside(leaf, edge.to));
      const goesOn = [...found].some((other) => other !== edge && touch(edge.to, other.initial ? parent(other.to) : other.from));
      if (ends || goesOn) continue;
      found.delete(edge);
      shrank = true;
    }
  }
  return found;
}

const parent = (id) => id.split(".").slice(0, -1).join(".");

// All of one chart: { edges: Set, states: Set, jumps: [[from, to]] }; a jump is a step that no line of the picture shows.
export function walked(edges, turns, flow) {
  const found = { edges: new Set(), states: new Set(), jumps: [] };
  let before = null;
  for (const turn of turns) {
    if (turn.flow !== flow) continue;
    for (const state of turn.states) found.states.add(state);
    if (before && before.join() !== turn.states.join()) {
      const lines = between(edges, before, turn);
      for (const edge of lines) found.edges.add(edge);
      if (!lines.size) found.jumps.push([before[0], turn.states.find((state) => !before.includes(state)) ?? turn.states[0]]);
    }
    before = turn.states;
  }
  return found;
}
