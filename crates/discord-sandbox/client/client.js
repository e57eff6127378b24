// The page around the messages: servers, channels, members, the acting member and the theme.

import { avatar, byId, el, readable } from "./dom.js";
import { clear, refreshComposer, startComposer } from "./composer.js";
import { draw, isCompact } from "./message.js";
import * as store from "./store.js";
import { line } from "./text.js";

const STATUS = { online: "Online", idle: "Idle", dnd: "Do Not Disturb", offline: "Offline" };
const MANAGE = 1n << 5n;

// The newest message that was seen in each channel, by its time.
const seen = new Map();
let shownChannel = null;

// ---- Servers and channels ----

function unread(channel) {
  const from = seen.get(channel.id);
  const fresh = from === undefined ? [] : store.messages().filter((one) => one.channel === channel.id && one.at > from);
  return { any: fresh.length > 0, pings: fresh.filter(store.pingsMe).length };
}

function go(guild, channel) {
  Object.assign(store.view, { guild: guild.id, channel });
  document.body.classList.remove("side", "people");
  clear();
  store.changed();
}

// Someone who is not in the guild cannot act there, so its first member does.
function enter(guild) {
  go(guild, channelsOf(guild)[0]?.id);
  if (!guild.members.some((one) => one.id === store.view.member)) store.actAs(guild.members[0]?.id);
}

// Direct messages have a channel with the id of their recipient.
function channelsOf(guild) {
  const direct = store.messages().some((one) => one.channel === store.view.member);
  return direct ? [...guild.channels, { id: store.view.member, name: store.bot().name, isDirect: true }] : guild.channels;
}

const signOf = (channel) => el("span", { class: "hash", "aria-hidden": "true" }, channel?.isDirect ? "@" : "#");

function drawServers() {
  const current = store.guild();
  byId("rail").replaceChildren(...store.guilds().map((guild) => {
    const short = guild.name.split(/\s+/).map((word) => [...word][0]).join("").slice(0, 3);
    const isUnread = guild.channels.some((channel) => unread(channel).any);
    const props = { type: "button", title: guild.name, "aria-label": guild.name, "aria-current": guild === current ? "true" : null, class: isUnread ? "server unread" : "server" };
    return el("button", { ...props, onclick: () => enter(guild) }, short);
  }));
  byId("guild").replaceChildren(el("b", {}, current?.name ?? ""));
}

function drawChannels() {
  const guild = store.guild();
  byId("channels").replaceChildren(el("h2", {}, "Text channels"), ...channelsOf(guild).map((channel) => {
    const { any, pings } = unread(channel);
    const isHere = channel.id === store.view.channel;
    return el("button", { type: "button", class: any ? "channel unread" : "channel", "aria-current": isHere ? "page" : null, onclick: () => go(guild, channel.id) },
      signOf(channel), el("span", {}, channel.name), any && el("span", { class: "hidden" }, "unread"), pings > 0 && el("span", { class: "badge", "aria-label": `${pings} mentions` }, pings));
  }));
}

// ---- Members ----

function person(who, status, note) {
  return el("li", { class: status === "offline" ? "person off" : "person" }, avatar(who.id, who.name, status),
    el("span", {}, el("b", { style: { color: readable(store.colorOf(who)) } }, who.name, who.tag && el("span", { class: "tag" }, who.tag)), note && el("small", {}, line(note))));
}

function drawPeople() {
  const { members } = store.guild();
  const bot = store.bot();
  const isOff = bot.status === "offline";
  const list = members.map((one) => person(one, "online", one.id === store.member().id ? "This is you" : ""));
  const robot = person({ ...bot, tag: "APP" }, bot.status, bot.activity);
  const title = (text, count) => el("h2", {}, `${text} — ${count}`);
  byId("people").replaceChildren(title("Online", members.length + (isOff ? 0 : 1)), el("ul", {}, isOff ? list : [robot, ...list]),
    ...(isOff ? [title(STATUS.offline, 1), el("ul", {}, robot)] : []));
}

function drawPanel() {
  const me = store.member();
  const select = byId("me");
  const { members } = store.guild();
  // An open list closes when it is drawn again.
  const isSame = select.length === members.length && members.every((one, index) => select[index].value === one.id && select[index].text === one.name);
  if (!isSame) select.replaceChildren(...members.map((one) => el("option", { value: one.id }, one.name)));
  select.value = me.id;
  byId("me-avatar").replaceChildren(avatar(me.id, me.name, "online"));
  byId("me-note").textContent = (BigInt(me.permissions) & MANAGE) !== 0n ? "Can manage the server" : "Online";
}

// ---- Messages ----

const scroll = byId("scroll");
// A few pixels: a page may be zoomed.
const isAtEnd = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 30;
const toEnd = () => (scroll.scrollTop = scroll.scrollHeight);

function divider(message, before) {
  const day = new Date(message.at).toDateString();
  if (before && new Date(before.at).toDateString() === day) return null;
  const text = new Intl.DateTimeFormat("en-US", { dateStyle: "long" }).format(message.at);
  return el("div", { class: "divider", role: "separator", id: `day${message.id}`, "data-text": text }, el("span", {}, text));
}

function welcome(channel) {
  const about = channel?.isDirect ? `This is the beginning of your direct messages with ${channel.name}.` : `This is the start of the #${channel?.name} channel.`;
  return el("div", { class: "welcome", id: "welcome", "data-text": channel?.name }, el("div", { class: "big", "aria-hidden": "true" }, channel?.isDirect ? "@" : "#"),
    el("h2", {}, channel?.isDirect ? channel.name : `Welcome to #${channel?.name}!`), el("p", {}, about));
}

// The nodes that the channel has now: what did not change is kept, with its focus and its place.
function wanted(list, channel, keys, isOther) {
  const nodes = isOther || byId("welcome")?.dataset.text !== channel?.name ? [welcome(channel)] : [byId("welcome")];
  list.forEach((message, index) => {
    const before = list[index - 1];
    const day = divider(message, before);
    if (day) nodes.push(byId(day.id)?.dataset.text === day.dataset.text ? byId(day.id) : day);
    const compact = !day && isCompact(message, before);
    const known = byId(`m${message.id}`);
    const refers = message.replies_to && keys?.has(`message:${message.replies_to}`);
    const isKept = known && keys && !keys.has(`message:${message.id}`) && !refers && !message.id.startsWith("local") && known.classList.contains("compact") === compact;
    nodes.push(isKept ? known : draw(message, compact));
  });
  return nodes;
}

// Replaces what changed, node by node, so that nothing else moves or loses the focus.
function place(nodes) {
  const parent = byId("messages");
  const key = document.activeElement?.dataset.key;
  const within = document.activeElement?.closest?.(".message")?.id;
  const kept = new Set(nodes);
  for (const old of [...parent.children]) if (!kept.has(old)) old.replaceWith(...nodes.filter((one) => one.id === old.id && !one.isConnected));
  nodes.forEach((node, index) => {
    if (parent.children[index] !== node) parent.insertBefore(node, parent.children[index] ?? null);
  });
  if (key && !document.activeElement?.dataset.key) byId(within)?.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
}

function drawMessages(keys) {
  const channel = channelsOf(store.guild()).find((one) => one.id === store.view.channel);
  const isOther = shownChannel !== `${store.view.channel} ${store.view.member}`;
  const stick = isOther || isAtEnd();
  shownChannel = `${store.view.channel} ${store.view.member}`;
  const list = store.messages().filter((one) => one.channel === store.view.channel).sort(store.byAge);
  place(wanted(list, channel, keys, isOther));
  if (stick) toEnd();
  byId("title").replaceChildren(signOf(channel), channel?.name ?? "");
  document.title = `${channel?.isDirect ? "@" : "#"}${channel?.name} | ${store.guild().name}`;
}

function markSeen() {
  for (const channel of store.guilds().flatMap((guild) => channelsOf(guild))) {
    const newest = Math.max(0, ...store.messages().filter((one) => one.channel === channel.id).map((one) => one.at));
    if (!seen.has(channel.id) || channel.id === store.view.channel) seen.set(channel.id, newest);
  }
}

function drawAll(keys) {
  if (!store.guild()) return;
  if (!channelsOf(store.guild()).some((one) => one.id === store.view.channel)) store.view.channel = store.guild().channels[0].id;
  // Names and colors are part of every message.
  drawMessages(keys?.has("world") && worldChanged() ? null : keys);
  markSeen();
  drawServers();
  drawChannels();
  if (!keys || keys.has("world")) {
    drawPeople();
    drawPanel();
    refreshComposer();
  }
}

// The bot's presence changes often, and no message shows it.
let names = "";
function worldChanged() {
  const now = JSON.stringify([store.guilds(), store.bot().name]);
  const isNew = names !== now;
  names = now;
  return isNew;
}

// ---- The frame ----

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  byId("theme").textContent = theme === "dark" ? "☀" : "🌙";
}

function startFrame() {
  const isLight = matchMedia("(prefers-color-scheme: light)");
  const preferred = () => setTheme(localStorage.getItem("theme") ?? (isLight.matches ? "light" : "dark"));
  isLight.addEventListener("change", preferred);
  preferred();
  byId("theme").addEventListener("click", () => {
    const other = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    localStorage.setItem("theme", other);
    setTheme(other);
  });
  byId("me").addEventListener("change", (event) => {
    clear();
    store.actAs(event.target.value);
    store.changed();
  });
  const wide = matchMedia("(min-width: 900px)");
  for (const name of ["side", "people"]) {
    byId(`open-${name}`).addEventListener("click", () => document.body.classList.toggle(name === "people" && wide.matches ? "no-people" : name));
  }
  byId("shade").addEventListener("click", () => document.body.classList.remove("side", "people"));
  document.addEventListener("keydown", (event) => event.key === "Escape" && document.body.classList.remove("side", "people"));
  // Images grow when they are loaded.
  byId("messages").addEventListener("load", () => stuck && toEnd(), true);
  scroll.addEventListener("scroll", () => (stuck = isAtEnd()));
  // The command box grows.
  new ResizeObserver(() => stuck && toEnd()).observe(scroll);
}

let stuck = true;

startFrame();
startComposer();
store.onChange(drawAll);
store.start((isConnected) => (byId("connection").hidden = isConnected)).then(() => store.changed());
