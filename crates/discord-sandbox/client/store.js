// The state that the sandbox sends, what this page has chosen to show, and the way back for actions.

const parts = new Map();
const listeners = new Set();
let source = null;

export const view = { guild: null, channel: null, member: null };

// Messages that exist only here: commands that are being sent, or that failed.
export const local = new Map();

export function onChange(listener) {
  listeners.add(listener);
}

// `keys` are the parts that changed; `null` if everything may have changed.
export function changed(keys = null) {
  for (const listener of listeners) listener(keys);
}

const part = (name) => parts.get(name);
export const bot = () => part("world")?.bot ?? { id: "0", name: "bot", status: "offline" };
export const guilds = () => part("world")?.guilds ?? [];
export const guild = () => guilds().find((one) => one.id === view.guild) ?? guilds()[0];
export const member = () => guild()?.members.find((one) => one.id === view.member) ?? guild()?.members[0];
export const commands = () => part(`commands:${guild()?.id}`) ?? [];
export const messages = () =>
  [...parts].filter(([key]) => key.startsWith("message:")).map(([, message]) => message).concat([...local.values()]);

// Ids are compared as numbers: they are too long for a JavaScript number.
export function byAge(one, other) {
  if (one.at !== other.at) return one.at - other.at;
  return one.id.length - other.id.length || (one.id < other.id ? -1 : 1);
}

// A name for a mention, from any guild: a bot may mention channels of another one.
export function nameOf(kind, id) {
  if (kind === "members" && id === bot().id) return bot().name;
  for (const one of guilds()) {
    const found = one[kind].find((item) => item.id === id);
    if (found) return found.name;
  }
  return null;
}

export function colorOf(who) {
  const roles = guild()?.roles ?? [];
  return roles.find((role) => role.color && who?.roles?.includes(role.id))?.color;
}

export const pingsMe = (message) => {
  const { users = [], roles = [], everyone = false } = message.pings ?? {};
  const me = member();
  return everyone || users.includes(me?.id) || roles.some((role) => me?.roles.includes(role));
};

function receive(event) {
  const { set, unset, all } = JSON.parse(event.data);
  if (all) parts.clear();
  for (const [key, value] of Object.entries(set)) parts.set(key, value);
  for (const key of unset) parts.delete(key);
  changed(all ? null : new Set([...Object.keys(set), ...unset]));
}

export async function start(onConnection) {
  const answer = await fetch("/api/state");
  for (const [key, value] of Object.entries(await answer.json())) parts.set(key, value);
  view.guild = guilds()[0]?.id;
  view.channel = guild()?.channels[0]?.id;
  actAs(localStorage.getItem("member") ?? guild()?.members[0]?.id, onConnection);
}

let report = () => {};

// Ephemeral messages differ between members, so each member has a connection.
export function actAs(id, onConnection = report) {
  report = onConnection;
  view.member = guild()?.members.some((one) => one.id === id) ? id : guild()?.members[0]?.id;
  localStorage.setItem("member", view.member);
  source?.close();
  source = new EventSource(`/api/events?member=${view.member}`);
  source.onmessage = receive;
  source.onopen = () => report(true);
  source.onerror = () => report(false);
}

async function answerOf(answer) {
  const body = await answer.json().catch(() => ({}));
  if (answer.ok) return body;
  throw Object.assign(new Error(body.error ?? "The sandbox answered with an error."), { fields: body.fields, status: answer.status });
}

export async function act(what, body) {
  const sent = { member: member()?.id, channel: view.channel, ...body };
  const headers = { "Content-Type": "application/json" };
  return answerOf(await fetch(`/api/${what}`, { method: "POST", headers, body: JSON.stringify(sent) }));
}

export async function upload(file) {
  const headers = { "Content-Type": "application/octet-stream" };
  const path = `/api/files/${encodeURIComponent(file.name)}`;
  return (await answerOf(await fetch(path, { method: "PUT", headers, body: file }))).id;
}
