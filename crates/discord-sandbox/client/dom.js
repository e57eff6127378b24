// Builds elements. Texts become text nodes, so nothing of a message is ever read as HTML.

export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "class") node.className = value;
    // Properties set from a script, which the page's policy permits; it forbids style attributes.
    else if (name === "style") for (const [key, to] of Object.entries(value)) node.style.setProperty(key, to);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export const byId = (id) => document.getElementById(id);

// The colors of Discord's default avatars.
const COLORS = ["#5865f2", "#757e8a", "#3ba55c", "#faa61a", "#ed4245", "#eb459f"];

// A role's color is meant for no theme: as it is, its text may be unreadable in one of them.
export const readable = (color) => (color ? `color-mix(in srgb, ${color} 55%, var(--strong))` : "");

export function avatar(id, name, status) {
  const color = COLORS[Number(BigInt(id || 0) % BigInt(COLORS.length))];
  const letter = [...(name || "?")][0].toUpperCase();
  const dot = status && el("i", { class: `dot ${status}`, role: "img", "aria-label": status });
  return el("span", { class: "avatar" }, el("b", { style: { background: color }, "aria-hidden": "true" }, letter), dot);
}

// Only addresses that a browser opens as a page. Everything else stays a text.
export function isWeb(url) {
  return typeof url === "string" && /^https?:\/\//i.test(url);
}

export function link(url, ...children) {
  if (!isWeb(url)) return el("span", {}, ...children);
  return el("a", { href: url, target: "_blank", rel: "noopener noreferrer nofollow" }, ...children);
}
