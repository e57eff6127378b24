// Draws one message with its embeds, files and components.

import { avatar, el, isWeb, link, readable } from "./dom.js";
import { act, bot, changed, colorOf, guild, local, messages, nameOf, pingsMe } from "./store.js";
import { components } from "./components.js";
import { blocks, clockTime, line, at } from "./text.js";

const EPHEMERAL_NOTE = "Only you can see this";
const SUPPRESS_EMBEDS = 4;

const sizeOf = (bytes) => (bytes < 1024 ? `${bytes} bytes` : bytes < 1048576 ? `${(bytes / 1024).toFixed(2)} KB` : `${(bytes / 1048576).toFixed(2)} MB`);

function memberName(id) {
  const who = guild()?.members.find((one) => one.id === id);
  return el("b", { class: "name", style: { color: readable(colorOf(who)) } }, nameOf("members", id) ?? "unknown-user");
}

// The line above a message: the command that it answers, or the message that it replies to.
function context(message) {
  if (message.used) {
    const { member, command } = message.used;
    const who = nameOf("members", member) ?? "?";
    return el("div", { class: "context" }, avatar(member, who), memberName(member), " used ", el("span", { class: "mention" }, `/${command}`));
  }
  if (!message.replies_to) return null;
  const original = messages().find((one) => one.id === message.replies_to);
  if (!original) return el("div", { class: "context" }, el("i", {}, "Original message was deleted"));
  const first = original.embeds?.[0] ?? {};
  const text = original.content || first.title || first.description || "Click to see attachment";
  const jump = () => {
    const target = document.getElementById(`m${original.id}`);
    target?.scrollIntoView({ block: "center" });
    target?.classList.add("flash");
    setTimeout(() => target?.classList.remove("flash"), 1500);
  };
  const excerpt = el("button", { type: "button", class: "excerpt", onclick: jump }, line(text.split("\n")[0].replace(/^(#{1,3}|-#|>) /, "").slice(0, 120)));
  // Only the excerpt itself can be pressed: a button inside it would not be reachable.
  for (const inner of excerpt.querySelectorAll("button, a, [tabindex]")) inner.replaceWith(inner.textContent);
  return el("div", { class: "context" }, avatar(bot().id, bot().name), el("b", { class: "name" }, bot().name), excerpt);
}

function file({ name, description, size, url, is_image: isImage }) {
  const save = { href: url, download: name };
  if (isImage) return el("a", { href: url, target: "_blank", class: "picture" }, el("img", { src: url, alt: description ?? name, title: description, loading: "lazy" }));
  const facts = el("span", {}, el("a", save, name), el("small", {}, sizeOf(size)));
  return el("div", { class: "file" }, el("span", { class: "sheet", "aria-hidden": "true" }, "📄"), facts, el("a", { ...save, class: "icon", "aria-label": `Download ${name}` }, "⬇"));
}

// Images come from the message's own files: the page loads nothing from other hosts.
function image(source, message, kind) {
  const url = source?.url;
  if (!url) return null;
  const name = /^attachment:\/\/(.+)$/.exec(url)?.[1];
  const own = message.files.find((one) => one.name === name && one.is_image);
  if (own) return el("img", { src: own.url, alt: own.description ?? "", title: own.description, class: kind });
  return isWeb(url) ? el("p", { class: `small ${kind}` }, link(url, "🖼 image")) : null;
}

function field({ name, value, inline }) {
  return el("div", { class: inline ? "field inline" : "field" }, el("div", { class: "field-name" }, line(name)), el("div", {}, blocks(value)));
}

// Discord puts up to three inline fields into a row.
function fields(list) {
  const rows = [];
  for (const one of list) {
    const last = rows.at(-1);
    if (one.inline && last?.isInline && last.items.length < 3) last.items.push(one);
    else rows.push({ isInline: Boolean(one.inline), items: [one] });
  }
  return rows.map(({ items }) => el("div", { class: "fields" }, items.map(field)));
}

function embed(one, message) {
  const color = Number.isInteger(one.color) ? `#${one.color.toString(16).padStart(6, "0")}` : null;
  const when = one.timestamp ? clockTime(Date.parse(one.timestamp)) : null;
  const footer = [one.footer?.text, when].filter(Boolean).join(" • ");
  return el("div", { class: "embed", style: color ? { "border-left-color": color } : {} },
    el("div", { class: "embed-text" },
      one.author?.name && el("div", { class: "embed-author" }, link(one.author.url, one.author.name)),
      one.title && el("div", { class: "embed-title" }, isWeb(one.url) ? link(one.url, ...line(one.title)) : line(one.title)),
      one.description && el("div", { class: "embed-description" }, blocks(one.description)),
      fields(one.fields ?? []),
      image(one.image, message, "image"),
      footer && el("div", { class: "embed-footer" }, footer)),
    image(one.thumbnail, message, "thumbnail"));
}

function dismiss(message) {
  if (!message.id.startsWith("local")) return act("dismiss", { message: message.id });
  local.delete(message.id);
  return changed(new Set());
}

function note(message) {
  if (!message.ephemeral) return null;
  const button = el("button", { type: "button", class: "link", onclick: () => dismiss(message) }, "Dismiss message");
  return el("div", { class: "note" }, "👁 ", EPHEMERAL_NOTE, " • ", button);
}

function body(message) {
  if (message.thinking) return el("div", { class: "content thinking" }, el("i", { class: "dots", "aria-hidden": "true" }), `${bot().name} is thinking…`);
  if (message.sending) return el("div", { class: "content muted" }, "Sending command…");
  if (message.failed) return el("div", { class: "content failed" }, `❗ ${message.failed}`);
  const edited = message.edited && el("small", { class: "edited", title: at(message.edited / 1000, "F") }, " (edited)");
  if (!message.content && !edited) return null;
  const drawn = el("div", { class: "content" }, message.content ? blocks(message.content) : null);
  if (edited) (drawn.lastElementChild?.tagName === "P" ? drawn.lastElementChild : drawn).append(edited);
  return drawn;
}

// `follows` is the message before it, under whose head it stands if it came soon after.
export function isCompact(message, follows) {
  if (!follows || message.used || message.replies_to || message.ephemeral !== follows.ephemeral) return false;
  return !follows.failed && message.at - follows.at < 7 * 60_000;
}

export function draw(message, compact) {
  const name = bot().name;
  const time = el("time", { datetime: new Date(message.at).toISOString(), title: at(message.at / 1000, "F") }, compact ? at(message.at / 1000, "t") : clockTime(message.at));
  const head = el("div", { class: "head" }, el("b", { class: "name" }, name), el("span", { class: "tag" }, "APP"), time);
  const classes = ["message", compact ? "compact" : "first", pingsMe(message) && "pinged", message.ephemeral && "ephemeral"];
  const embeds = (message.flags & SUPPRESS_EMBEDS) === 0 ? (message.embeds ?? []) : [];
  const embedded = embeds.flatMap((one) => [one.image?.url, one.thumbnail?.url]);
  const files = (message.files ?? []).filter((one) => !embedded.includes(`attachment://${one.name}`));
  return el("article", { class: classes.filter(Boolean).join(" "), id: `m${message.id}`, "aria-label": `${name}, ${clockTime(message.at)}` },
    context(message),
    compact ? time : avatar(bot().id, name),
    el("div", { class: "body" },
      compact ? null : head,
      body(message),
      files.length > 0 && el("div", { class: "files" }, files.map(file)),
      embeds.map((one) => embed(one, message)),
      components(message),
      note(message)));
}
