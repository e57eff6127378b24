// Buttons and menus of a message.

import { avatar, el, isWeb } from "./dom.js";
import { openForm } from "./form.js";
import { act, bot, guild } from "./store.js";

const BUTTON = 2;
const STYLES = { 1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "secondary" };
const LINK = 5;
const FAILED = "This interaction failed";

const emojiOf = (emoji) => (emoji ? el("span", { class: "emoji" }, emoji.id ? `:${emoji.name}:` : emoji.name) : null);

export function components(message) {
  const rows = message.components ?? [];
  if (!rows.length) return null;
  const error = el("p", { class: "failed", role: "alert", hidden: true });
  const send = (component, values, node) => use({ message, component, values, node, error });
  const drawn = rows.map((row) => el("div", { class: "row" }, (row.components ?? []).map((one) => component(one, send))));
  return el("div", { class: "components" }, drawn, error);
}

function component(one, send) {
  return one.type === BUTTON ? button(one, send) : menu(one, send);
}

async function use({ message, component, values, node, error }) {
  node.classList.add("busy");
  error.hidden = true;
  try {
    const answer = await act("component", { message: message.id, custom_id: component.custom_id, values });
    if (answer.form) openForm(answer);
  } catch (failure) {
    // 504: the bot did not respond. Everything else was refused before it was sent.
    error.textContent = failure.status === 504 ? FAILED : failure.message;
    error.hidden = false;
  } finally {
    node.classList.remove("busy");
  }
}

function button(one, send) {
  const classes = `button ${STYLES[one.style] ?? "secondary"}`;
  if (one.style === LINK) {
    const address = isWeb(one.url) ? { href: one.url, target: "_blank", rel: "noopener noreferrer" } : {};
    return el("a", { class: classes, ...address }, emojiOf(one.emoji), one.label, " ↗");
  }
  const node = el("button", { type: "button", class: classes, disabled: one.disabled, "data-key": one.custom_id }, emojiOf(one.emoji), el("span", {}, one.label));
  node.addEventListener("click", () => send(one, undefined, node));
  return node;
}

// What a menu offers, by its type as Discord numbers them.
function optionsOf(one) {
  const users = () => [...guild().members, bot()].map(({ id, name }) => ({ value: id, label: name, icon: avatar(id, name) }));
  const roles = () => guild().roles.map(({ id, name, color }) => ({ value: id, label: name, icon: el("i", { class: "round", style: { background: color ?? "" } }) }));
  const channels = () => (one.channel_types?.length && !one.channel_types.includes(0) ? [] : guild().channels.map(({ id, name }) => ({ value: id, label: name, icon: el("span", { class: "hash" }, "#") })));
  const strings = () => (one.options ?? []).map((option) => ({ ...option, icon: emojiOf(option.emoji) }));
  const all = { 3: strings, 5: users, 6: roles, 7: () => [...roles(), ...users()], 8: channels };
  return all[one.type]?.() ?? [];
}

function menu(one, send) {
  const most = one.max_values ?? 1;
  const least = one.min_values ?? 1;
  const before = (one.options ?? []).filter((option) => option.default).map((option) => option.value);
  const preset = before.concat((one.default_values ?? []).map((value) => value.id));
  const chosen = new Set(preset);
  const node = el("div", { class: "menu" });
  const shown = el("button", { type: "button", class: "menu-button", disabled: one.disabled, "aria-haspopup": "listbox", "aria-expanded": "false", "data-key": one.custom_id });
  let popup = null;

  const label = () => {
    const names = optionsOf(one).filter((option) => chosen.has(option.value)).map((option) => option.label);
    shown.replaceChildren(el("span", { class: names.length ? "" : "muted" }, names.join(", ") || one.placeholder || "Make a selection"), el("span", { "aria-hidden": "true" }, "⌄"));
  };
  const close = (isSent) => {
    if (!popup) return;
    popup.remove();
    popup = null;
    shown.setAttribute("aria-expanded", "false");
    document.removeEventListener("pointerdown", outside);
    const isChanged = chosen.size !== preset.length || preset.some((value) => !chosen.has(value));
    if (isSent && isChanged && chosen.size >= least) send(one, [...chosen], shown);
    else {
      chosen.clear();
      for (const value of preset) chosen.add(value);
    }
    label();
  };
  // A menu of several values is sent when it closes, as in Discord's client.
  const outside = (event) => node.contains(event.target) || close(true);
  const pick = (option) => {
    if (most === 1) {
      chosen.clear();
      chosen.add(option.value);
      close(true);
      shown.focus();
      return;
    }
    if (!chosen.delete(option.value) && chosen.size < most) chosen.add(option.value);
    popup.refresh();
  };
  const openPopup = () => {
    popup = choices({ options: optionsOf(one), chosen, isMultiple: most > 1, pick, close: () => { close(true); shown.focus(); } });
    node.append(popup);
    shown.setAttribute("aria-expanded", "true");
    document.addEventListener("pointerdown", outside);
    popup.querySelector("input").focus();
    popup.scrollIntoView({ block: "nearest" });
  };
  shown.addEventListener("click", () => (popup ? close(true) : openPopup()));
  node.append(shown);
  label();
  return node;
}

// A list with a search field above it.
function choices({ options, chosen, isMultiple, pick, close }) {
  const search = el("input", { type: "text", placeholder: "Search", "aria-label": "Search", role: "combobox", "aria-expanded": "true" });
  const listbox = el("ul", { role: "listbox", "aria-multiselectable": isMultiple });
  let active = 0;
  let found = [];
  const refresh = () => {
    const words = search.value.trim().toLowerCase();
    found = options.filter((option) => option.label.toLowerCase().includes(words));
    active = Math.max(0, Math.min(active, found.length - 1));
    listbox.replaceChildren(...found.map((option, index) => el("li", {
      role: "option", "aria-selected": String(chosen.has(option.value)), class: index === active ? "active" : "",
      onclick: () => pick(option), onpointermove: () => index !== active && (active = index, mark()),
    }, option.icon, el("span", {}, option.label, option.description && el("small", {}, option.description)),
    (isMultiple || chosen.has(option.value)) && el("i", { class: "check", "aria-hidden": "true" }, chosen.has(option.value) ? "✓" : ""))));
    if (!found.length) listbox.append(el("li", { class: "muted" }, "No results found"));
  };
  const mark = () => [...listbox.children].forEach((item, index) => {
    item.classList.toggle("active", index === active);
    if (index === active) item.scrollIntoView({ block: "nearest" });
  });
  const keys = {
    ArrowDown: () => { active = (active + 1) % Math.max(1, found.length); mark(); },
    ArrowUp: () => { active = (active - 1 + found.length) % Math.max(1, found.length); mark(); },
    Enter: () => found[active] && pick(found[active]),
    Escape: close,
  };
  search.addEventListener("keydown", (event) => {
    if (!keys[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    keys[event.key]();
  });
  search.addEventListener("input", refresh);
  refresh();
  return Object.assign(el("div", { class: "choices" }, search, listbox), { refresh });
}
