// The server's HTTP API. What it refuses comes as a Problem whose message is a sentence for people.

import { t } from "./texts.js";

const { csrf, agent, name, roles, lacks } = document.body.dataset;
export const me = { id: agent, name, roles: roles.split(" "), acts: /owner|agent/.test(roles), owns: roles.includes("owner") };

// What this server does not have: a page, by its address, `stats` or `files`.
export const lacking = (what) => what !== "" && lacks.split(" ").includes(what);

export class Problem extends Error {
  // `status` 0: nobody answered, so nobody knows whether it was done.
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

export const get = (path, query = {}) => ask("GET", path + asked(query));
export const post = (path, data = {}) => ask("POST", path, data);
export const fileOf = (message) => `/api/v1/media${asked({ message })}`;
export const id = () => [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

export function signIn() {
  location.assign(`/console/login?next=${encodeURIComponent(location.pathname)}`);
}

function asked(query) {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined);
  return given.length ? `?${new URLSearchParams(given)}` : "";
}

// A file as the body, under its own name.
export const upload = (path, file) => ask("POST", path + asked({ name: file.name }), file);

async function ask(method, path, data) {
  const headers = { accept: "application/json" };
  const raw = data instanceof Blob;
  if (data) Object.assign(headers, { "content-type": raw ? "application/octet-stream" : "application/json", "x-csrf-token": csrf });
  let answer;
  try {
    answer = await fetch(`/api/v1${path}`, { method, headers, body: raw ? data : data && JSON.stringify(data) });
  } catch {
    throw new Problem(t("problem.offline"), 0);
  }
  if (answer.status === 401) {
    signIn();
    throw new Problem(t("problem.signed_out"), 401);
  }
  if (answer.ok) return (answer.headers.get("content-type") ?? "").includes("svg") ? answer.text() : answer.json();
  const said = await answer.json().catch(() => ({}));
  throw new Problem(said.error ?? t("problem.server", { status: answer.status }), answer.status);
}
