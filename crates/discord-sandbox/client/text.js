// Draws parsed Markdown: mentions by name, and timestamps that stay current.

import { el, link, readable } from "./dom.js";
import { inline, parse } from "./markdown.js";
import { member, nameOf, view, changed, guilds } from "./store.js";

const format = (options) => new Intl.DateTimeFormat("en-US", options);
const STYLES = {
  t: format({ timeStyle: "short" }),
  T: format({ timeStyle: "medium" }),
  d: format({ dateStyle: "short" }),
  D: format({ dateStyle: "long" }),
  f: format({ dateStyle: "long", timeStyle: "short" }),
  F: format({ dateStyle: "full", timeStyle: "short" }),
  s: format({ dateStyle: "short", timeStyle: "short" }),
  S: format({ dateStyle: "short", timeStyle: "medium" }),
};
const relative = new Intl.RelativeTimeFormat("en-US", { numeric: "always" });
const UNITS = [["year", 31_536_000], ["month", 2_592_000], ["day", 86_400], ["hour", 3_600], ["minute", 60], ["second", 1]];

export function ago(seconds, now = Date.now() / 1000) {
  const difference = Math.round(seconds - now);
  const [unit, size] = UNITS.find(([, size]) => Math.abs(difference) >= size) ?? UNITS.at(-1);
  return relative.format(Math.trunc(difference / size), unit);
}

export function at(seconds, style) {
  if (style === "R") return ago(seconds);
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? "Invalid Date" : STYLES[style].format(date);
}

// The time in a message's head, as Discord writes it.
export function clockTime(millis, now = new Date()) {
  const date = new Date(millis);
  const day = (one) => one.toDateString();
  const yesterday = new Date(now.getTime() - 86_400_000);
  if (day(date) === day(now)) return STYLES.t.format(date);
  if (day(date) === day(yesterday)) return `Yesterday at ${STYLES.t.format(date)}`;
  return STYLES.s.format(date);
}

setInterval(() => {
  for (const time of document.querySelectorAll("time[data-relative]")) {
    const text = ago(Number(time.dataset.relative));
    if (time.textContent !== text) time.textContent = text;
  }
}, 1000);

function timestamp({ at: seconds, style }) {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return el("span", {}, "Invalid Date");
  return el("time", {
    datetime: date.toISOString(), title: STYLES.F.format(date), class: "stamp", "data-relative": style === "R" ? seconds : null,
  }, at(seconds, style));
}

const UNKNOWN = { members: "unknown-user", roles: "deleted-role", channels: "unknown" };

function mention({ kind, id }) {
  if (kind === "everyone") return el("span", { class: "mention" }, `@${id}`);
  const name = nameOf(kind, id) ?? UNKNOWN[kind];
  if (kind === "channels") return el("button", { type: "button", class: "mention", onclick: () => open(id) }, `#${name}`);
  const color = guilds().flatMap((one) => one.roles).find((role) => role.id === id && kind === "roles")?.color;
  const isMe = id === member()?.id || (kind === "roles" && member()?.roles.includes(id));
  const style = color ? { color: readable(color), "background-color": `${color}26` } : {};
  return el("span", { class: isMe ? "mention me" : "mention", style }, `@${name}`);
}

export function open(channel) {
  const home = guilds().find((one) => one.channels.some((it) => it.id === channel));
  if (!home) return;
  Object.assign(view, { guild: home.id, channel });
  changed();
}

function spoiler(children) {
  const node = el("span", { class: "spoiler", role: "button", tabindex: "0", "aria-label": "Spoiler" }, el("span", {}, draw(children)));
  const show = (event) => {
    if (event.type === "keydown" && event.key !== "Enter" && event.key !== " ") return;
    node.classList.add("shown");
    node.removeAttribute("aria-label");
  };
  node.addEventListener("click", show);
  node.addEventListener("keydown", show);
  return node;
}

// Items of deeper levels are indented; the page needs no nested lists for that.
function list({ start, items }) {
  const drawn = items.map(({ level, children }) => el("li", { class: `level${level}` }, draw(children)));
  return el(start === null ? "ul" : "ol", { start }, drawn);
}

const useCommand = (name) => document.dispatchEvent(new CustomEvent("use-command", { detail: name }));

const DRAW = {
  code: (node) => el("code", {}, node.text),
  pre: (node) => el("pre", {}, el("code", {}, node.text)),
  link: (node) => link(node.url, ...draw(node.children)),
  time: timestamp,
  mention,
  command: (node) => el("button", { type: "button", class: "mention", onclick: () => useCommand(node.name) }, `/${node.name}`),
  spoiler: (node) => spoiler(node.children),
  quote: (node) => el("blockquote", {}, draw(node.children)),
  small: (node) => el("p", { class: "small" }, draw(node.children)),
  list,
};

function draw(nodes) {
  return nodes.map((node) => {
    if (typeof node === "string") return node;
    return DRAW[node.type]?.(node) ?? el(node.type, {}, draw(node.children));
  });
}

export const blocks = (text) => draw(parse(text ?? ""));
export const line = (text) => draw(inline(text ?? ""));
