// The command box: a list of commands after `/`, then one chip for each option.

import { avatar, byId, el } from "./dom.js";
import { openForm } from "./form.js";
import { act, bot, changed, commands, guild, local, member, upload, view } from "./store.js";

const TYPE = { subcommand: 1, group: 2, integer: 4, boolean: 5, user: 6, channel: 7, role: 8, mentionable: 9, number: 10, attachment: 11 };
const ADMINISTRATOR = 8n;
// As long as a person who types needs for one more letter.
const DEBOUNCE = 200;

const say = byId("say");
const chipsNode = byId("chips");
const popup = byId("popup");
const hint = byId("hint");

// The command being filled in, with its chips in order; `null` while there is only text.
let active = null;
let items = [];
let marked = -1;
let request = 0;

function isPermitted(command) {
  const needed = command.default_member_permissions;
  if (needed === null || needed === undefined) return true;
  const held = BigInt(member()?.permissions ?? 0);
  return (held & BigInt(needed)) === BigInt(needed) || (held & ADMINISTRATOR) !== 0n;
}

// Every command that can be sent, with the path to it.
function leaves() {
  const below = (node, path) => {
    const nested = (node.options ?? []).filter((one) => one.type === TYPE.subcommand || one.type === TYPE.group);
    const here = [...path, node.name];
    return nested.length ? nested.flatMap((one) => below(one, here)) : [{ path: here, text: `/${here.join(" ")}`, leaf: node }];
  };
  return commands().filter((one) => (one.type ?? 1) === 1 && isPermitted(one)).flatMap((one) => below(one, []));
}

const remaining = () => (active.leaf.options ?? []).filter((one) => !active.chips.some((chip) => chip.option === one));

// ---- Suggestions ----

function commandItems() {
  const typed = say.value.toLowerCase();
  if (!typed.startsWith("/")) return [];
  const found = leaves().filter((one) => one.text.startsWith(typed) || one.text.slice(1).includes(typed.slice(1)));
  found.sort((one, other) => Number(other.text.startsWith(typed)) - Number(one.text.startsWith(typed)));
  return found.map((one) => ({
    icon: avatar(bot().id, bot().name), title: one.text, detail: one.leaf.description, from: bot().name,
    options: (one.leaf.options ?? []).map((option) => option.name), pick: () => activate(one),
  }));
}

function optionItems() {
  const typed = say.value.trim().toLowerCase();
  return remaining().filter((one) => one.name.includes(typed))
    .map((option) => ({ title: option.name, detail: option.description, isRequired: option.required, pick: () => { say.value = ""; addChip(option).input.focus(); } }));
}

function named(type) {
  const one = (sign, icon) => (item) => ({ name: sign + item.name, value: item.id, icon: icon(item) });
  const users = () => [...guild().members, bot()].map(one("@", ({ id, name }) => avatar(id, name)));
  const roles = () => guild().roles.map(one("@", ({ color }) => el("i", { class: "round", style: { background: color ?? "" } })));
  const channels = () => guild().channels.map(one("#", () => null));
  const lists = {
    [TYPE.boolean]: () => [{ name: "True", value: "true" }, { name: "False", value: "false" }],
    [TYPE.user]: users, [TYPE.role]: roles, [TYPE.channel]: channels, [TYPE.mentionable]: () => [...roles(), ...users()],
  };
  return lists[type]?.() ?? null;
}

function choiceItems(chip, choices) {
  return choices.map((choice) => ({ icon: choice.icon, title: choice.name, pick: () => choose(chip, choice) }));
}

function valueItems(chip) {
  const typed = chip.value === undefined ? chip.input.value.toLowerCase() : "";
  const fixed = chip.option.choices?.length ? chip.option.choices.map((one) => ({ name: one.name, value: String(one.value) })) : named(chip.option.type);
  const found = (fixed ?? []).filter((one) => one.name.toLowerCase().includes(typed));
  const begins = (one) => Number(one.name.toLowerCase().replace(/^[@#]/, "").startsWith(typed));
  return choiceItems(chip, found.sort((one, other) => begins(other) - begins(one)).slice(0, 25));
}

async function complete(chip) {
  const own = ++request;
  await new Promise((done) => setTimeout(done, DEBOUNCE));
  if (own !== request) return;
  try {
    const options = active.chips.filter((one) => one === chip || textOf(one) !== "").map((one) => ({ name: one.option.name, value: one === chip ? chip.input.value : textOf(one) }));
    const { choices } = await act("complete", { path: active.path, options, focused: chip.option.name });
    // A later letter, or another chip, has its own answer.
    if (own === request && document.activeElement === chip.input) show(choiceItems(chip, choices), choices.length ? "" : "No options match your search.");
  } catch {
    if (own === request && document.activeElement === chip.input) show([], "Loading options failed");
  }
}

function refresh() {
  request += 1;
  const chip = active?.chips.find((one) => one.input === document.activeElement);
  if (!chip) return show(active ? optionItems() : commandItems(), active ? "" : unknown());
  const about = `${chip.option.name}: ${chip.option.description}`;
  if (chip.option.autocomplete) {
    show([], about);
    return complete(chip);
  }
  return show(valueItems(chip), about);
}

const unknown = () => (say.value && !say.value.startsWith("/") ? "Only commands can be sent here: type / to choose one." : "");

function show(next, text) {
  items = next;
  hint.textContent = text;
  hint.className = "";
  hint.hidden = !text;
  const chip = active?.chips.find((one) => one.input === document.activeElement);
  // Enter sends when nothing more needs to be chosen, so an option is not marked by itself.
  const choosing = active ? chip && chip.value === undefined && (chip.input.value !== "" || chip.option.required) : true;
  mark(items.length && choosing ? 0 : -1);
}

function mark(index) {
  marked = index;
  popup.hidden = items.length === 0;
  say.setAttribute("aria-expanded", String(items.length > 0));
  popup.replaceChildren(...items.map((item, at) => el("li", {
    role: "option", id: `item${at}`, "aria-selected": String(at === marked), class: at === marked ? "active" : "",
    // The focus stays in the box; a finger that scrolls the list picks nothing.
    onmousedown: (event) => event.preventDefault(), onclick: item.pick,
  }, item.icon, el("span", { class: "what" }, el("b", {}, item.title), item.options?.length ? el("span", { class: "options" }, item.options.map((name) => el("kbd", {}, name))) : null, item.detail && el("small", {}, item.detail)),
  item.isRequired && el("em", {}, "required"), item.from && el("small", { class: "from" }, item.from))));
  const focus = document.activeElement;
  if (marked >= 0) {
    focus?.setAttribute("aria-activedescendant", `item${marked}`);
    popup.children[marked].scrollIntoView({ block: "nearest" });
  } else focus?.removeAttribute?.("aria-activedescendant");
}

// ---- Chips ----

const textOf = (chip) => chip.value ?? chip.input.value;

function activate({ path, text, leaf }, rest = "") {
  active = { path, text, leaf, chips: [] };
  byId("typed").textContent = text;
  byId("typed").hidden = false;
  say.value = "";
  for (const option of leaf.options ?? []) if (option.required) addChip(option);
  fill(rest);
  const empty = active.chips.find((chip) => textOf(chip) === "");
  (empty?.input ?? say).focus();
  placeholder();
  refresh();
}

// Options of a line that was pasted or typed as a whole: `name:value`, with double quotes around spaces.
function fill(rest) {
  for (const found of rest.matchAll(/([^\s:]+):(?:"((?:\\"|[^"])*)"|(\S*))/g)) {
    const option = (active.leaf.options ?? []).find((one) => one.name === found[1]);
    if (!option || option.type === TYPE.attachment) continue;
    const chip = active.chips.find((one) => one.option === option) ?? addChip(option);
    chip.input.value = (found[2] ?? found[3]).replaceAll('\\"', '"');
    fit(chip);
  }
}

const fit = (chip) => chip.input.style.setProperty("width", `${Math.min(Math.max([...chip.input.value].length, 3) + 1, 40)}ch`);

function addChip(option) {
  const isFile = option.type === TYPE.attachment;
  const input = el("input", { type: isFile ? "file" : "text", "aria-label": `${option.name}: ${option.description}`, spellcheck: "false", role: isFile ? null : "combobox", "aria-controls": "popup", "aria-expanded": "false" });
  const node = el("span", { class: option.required ? "chip required" : "chip" }, el("span", { class: "chip-name" }, option.name), input);
  const chip = { option, input, node };
  input.addEventListener("input", () => {
    if (!isFile && jump(chip)) return;
    chip.value = undefined;
    node.classList.remove("wrong");
    if (!isFile) fit(chip);
    refresh();
  });
  input.addEventListener("focus", refresh);
  active.chips.push(chip);
  chipsNode.append(node);
  if (!isFile) fit(chip);
  placeholder();
  return chip;
}

// Whoever types the whole line writes `name:` in a chip: this one's own name is dropped, another one's goes to its chip.
function jump(chip) {
  const found = /^(|[\s\S]*\s)([^\s:]+):$/.exec(chip.input.value);
  const option = found && (active.leaf.options ?? []).find((one) => one.name === found[2]);
  if (!option) return false;
  chip.input.value = found[1].trim();
  if (chip.input.value) chip.value = undefined;
  fit(chip);
  (active.chips.find((one) => one.option === option) ?? addChip(option)).input.focus();
  refresh();
  return true;
}

function removeChip(chip) {
  active.chips = active.chips.filter((one) => one !== chip);
  chip.node.remove();
  placeholder();
  say.focus();
}

function choose(chip, choice) {
  chip.value = String(choice.value);
  chip.input.value = choice.name;
  chip.node.classList.remove("wrong");
  fit(chip);
  const next = active.chips.find((one) => one.option.required && textOf(one) === "");
  (next?.input ?? say).focus();
  refresh();
}

function placeholder() {
  const channel = guild()?.channels.find((one) => one.id === view.channel);
  const more = active ? remaining().length : 0;
  say.placeholder = active ? (more ? `+${more} optional` : "") : `Message #${channel?.name ?? ""}`;
  say.setAttribute("aria-label", active ? "More options" : `Command for #${channel?.name ?? ""}`);
}

export function clear() {
  const hadFocus = chipsNode.contains(document.activeElement);
  active = null;
  say.value = "";
  chipsNode.replaceChildren();
  if (hadFocus) say.focus();
  byId("typed").hidden = true;
  placeholder();
  show([], "");
}

// ---- Sending ----

function refuse(chip, why) {
  chip?.node.classList.add("wrong");
  (chip?.input ?? say).focus();
  show([], why);
  hint.className = "failed";
}

// Enter that is pressed twice sends once.
function setSending(isSending) {
  byId("composer").setAttribute("aria-busy", String(isSending));
}

async function send() {
  if (byId("composer").getAttribute("aria-busy") === "true") return undefined;
  if (!active) return say.value.startsWith("/") ? refuse(null, "There is no such command.") : refresh();
  const missing = active.chips.find((chip) => chip.option.required && textOf(chip) === "");
  if (missing) return refuse(missing, "This option is required. Specify a value.");
  const { path, chips } = active;
  const given = chips.filter((chip) => textOf(chip) !== "");
  const isFile = (chip) => chip.option.type === TYPE.attachment;
  const options = given.filter((chip) => !isFile(chip)).map((chip) => ({ name: chip.option.name, value: textOf(chip) }));
  const id = `local${Date.now()}`;
  const channel = view.channel;
  const used = { member: member().id, command: path.join(" ") };
  const shown = { id, channel, at: Date.now(), used, ephemeral: false, sending: true };
  setSending(true);
  try {
    const files = [];
    for (const chip of given.filter(isFile)) files.push({ name: chip.option.name, id: await upload(chip.input.files[0]) });
    // Most bots respond at once; only a slow one shows that the command is on its way.
    setTimeout(() => shown.sending && (local.set(id, shown), changed(new Set())), 400);
    const answer = await act("command", { channel, path, options, files });
    shown.sending = false;
    if (active?.chips === chips) clear();
    if (answer.form) openForm(answer);
  } catch (error) {
    shown.sending = false;
    if (error.status !== 504) refuse(null, error.message);
    else {
      clear();
      local.set(id, { ...shown, ephemeral: true, failed: "The application did not respond" });
    }
  }
  setSending(false);
  if (!local.get(id)?.failed) local.delete(id);
  return changed(new Set());
}

// ---- Keys ----

function pressed(event) {
  const chip = active?.chips.find((one) => one.input === event.target);
  const keys = {
    ArrowDown: () => items.length && mark((marked + 1) % items.length),
    ArrowUp: () => items.length && mark((marked - 1 + items.length) % items.length),
    Tab: () => {
      if (event.shiftKey || !items.length || (chip && chip.value !== undefined) || (active && !chip && !say.value && marked < 0)) return false;
      items[Math.max(marked, 0)].pick();
      return true;
    },
    Enter: () => (items[marked] ? items[marked].pick() : send()),
    Escape: () => (items.length ? show([], "") : clear()),
    Backspace: () => {
      if (event.target.value !== "" && event.target.type !== "file") return false;
      if (chip) removeChip(chip);
      else if (active?.chips.length) active.chips.at(-1).input.focus();
      else if (active) clear();
      else return false;
      return true;
    },
  };
  if (event.isComposing || !keys[event.key]) return;
  if (keys[event.key]() !== false) event.preventDefault();
}

// `/endpoint add ` becomes the command, and `name:` in it becomes a chip.
function typedText() {
  if (!active) {
    const found = leaves().filter((one) => say.value.startsWith(`${one.text} `)).sort((one, other) => other.text.length - one.text.length)[0];
    if (found) return activate(found, say.value.slice(found.text.length + 1));
  } else if (say.value.includes(":")) {
    const [name] = say.value.trim().split(":");
    const option = remaining().find((one) => one.name === name);
    if (option) {
      const rest = say.value.trim();
      say.value = "";
      const chip = addChip(option);
      if (rest.length > name.length + 1) fill(rest);
      return chip.input.focus();
    }
  }
  return refresh();
}

export function startComposer() {
  say.addEventListener("input", typedText);
  say.addEventListener("focus", refresh);
  byId("composer").addEventListener("keydown", pressed);
  byId("composer").addEventListener("submit", (event) => { event.preventDefault(); send(); });
  byId("composer").addEventListener("focusout", (event) => byId("composer").contains(event.relatedTarget) || show([], ""));
  byId("box").addEventListener("click", (event) => event.target.id === "box" && say.focus());
  document.addEventListener("use-command", ({ detail }) => {
    const found = leaves().find((one) => one.text === `/${detail}`);
    clear();
    if (found) return activate(found);
    say.value = `/${detail}`;
    return say.focus();
  });
  placeholder();
}

export const refreshComposer = placeholder;
