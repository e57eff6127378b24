// Parses Discord's Markdown into a tree of plain objects. Knows nothing of the page, so that it can be tested alone.

// Code ends with as many signs as it begins with. A pattern would try every shorter run, too, which takes minutes.
function code(rest) {
  const sign = /^`+/.exec(rest)?.[0];
  if (!sign) return null;
  for (const { 0: found, index } of rest.slice(sign.length).matchAll(/`+/g)) {
    if (found === sign) return [rest.slice(0, index + 2 * sign.length), rest.slice(sign.length, sign.length + index)];
  }
  return [sign];
}

// Each rule matches at the beginning of the rest; `make` gets the match and a function that parses inner text.
const RULES = [
  [/^\\([^0-9A-Za-z\s])/, (m) => m[1]],
  [{ exec: code }, (m) => (m[1] === undefined ? m[0] : { type: "code", text: m[1].replace(/^ (?=`)|(?<=`) $/g, "") })],
  [/^<(https?:\/\/[^ >]+)>/, (m) => ({ type: "link", url: m[1], children: [m[1]] })],
  [/^\[((?:\\.|[^\]\\])+)\]\(<?(https?:\/\/[^\s)>]+)>?(?: +"[^"]*")?\)/, (m, inner) => ({ type: "link", url: m[2], children: inner(m[1]) })],
  [/^https?:\/\/[^\s<]+[^<.,:;"')\]\s*_~|]/, (m) => ({ type: "link", url: m[0], children: [m[0]] })],
  [/^<t:(-?\d{1,13})(?::([tTdDfFRsS]))?>/, (m) => ({ type: "time", at: Number(m[1]), style: m[2] ?? "f" })],
  [/^<@!?(\d+)>/, (m) => ({ type: "mention", kind: "members", id: m[1] })],
  [/^<@&(\d+)>/, (m) => ({ type: "mention", kind: "roles", id: m[1] })],
  [/^<#(\d+)>/, (m) => ({ type: "mention", kind: "channels", id: m[1] })],
  [/^<\/([\p{L}\p{N}_ -]+):(\d+)>/u, (m) => ({ type: "command", name: m[1], id: m[2] })],
  [/^@(everyone|here)\b/, (m) => ({ type: "mention", kind: "everyone", id: m[1] })],
  [/^<a?(:\w+:)\d+>/, (m) => m[1]],
  [/^\*\*((?:\\[\s\S]|[^\\])+?)\*\*(?!\*)/, (m, inner) => ({ type: "strong", children: inner(m[1]) })],
  [/^__((?:\\[\s\S]|[^\\])+?)__(?!_)/, (m, inner) => ({ type: "u", children: inner(m[1]) })],
  [/^\*(?=\S)((?:\\[\s\S]|\*\*|[^\\*])+?)\*(?!\*)/, (m, inner) => ({ type: "em", children: inner(m[1]) })],
  [/^_((?:\\[\s\S]|__|[^\\_])+?)_(?![A-Za-z0-9_])/, (m, inner) => ({ type: "em", children: inner(m[1]) })],
  [/^~~([\s\S]+?)~~/, (m, inner) => ({ type: "s", children: inner(m[1]) })],
  [/^\|\|([\s\S]+?)\|\|/, (m, inner) => ({ type: "spoiler", children: inner(m[1]) })],
];

// A text goes on until a sign that may begin something, or an address.
const TEXT = /^[\s\S][0-9A-Za-z\s]*?(?=[^0-9A-Za-z\s]|https?:\/\/|$)/;

// Deeper nesting is text: a hostile message must not exhaust the stack.
const DEPTH = 12;

function match(rest, depth, previous) {
  for (const [pattern, make] of RULES) {
    // `_` inside a word, as in snake_case, is no sign.
    if (rest[0] === "_" && /[0-9A-Za-z]$/.test(previous) && rest[1] !== "_") continue;
    const found = pattern.exec(rest);
    if (found) return [found[0].length, make(found, (text) => inline(text, depth + 1))];
  }
  return null;
}

export function inline(text, depth = 0) {
  const nodes = [];
  const add = (node) => {
    const last = nodes.length - 1;
    if (typeof node === "string" && typeof nodes[last] === "string") nodes[last] += node;
    else nodes.push(node);
  };
  let at = 0;
  while (at < text.length) {
    const rest = text.slice(at);
    const found = depth < DEPTH ? match(rest, depth, text.slice(Math.max(0, at - 1), at)) : null;
    const length = found ? found[0] : (TEXT.exec(rest)?.[0].length ?? rest.length);
    add(found ? found[1] : rest.slice(0, length));
    at += length;
  }
  return nodes;
}

const FENCE = /```(?:([\w+.#-]+)\n)?\n?([\s\S]*?)\n?```/g;

// The whole text of a message: code blocks first, because nothing inside them has a meaning.
export function parse(text, depth = 0) {
  const blocks = [];
  let from = 0;
  for (const found of text.matchAll(FENCE)) {
    if (!found[2].trim()) continue;
    blocks.push(...lines(text.slice(from, found.index).replace(/\n$/, ""), depth));
    blocks.push({ type: "pre", language: found[1] ?? "", text: found[2] });
    from = found.index + found[0].length;
    if (text[from] === "\n") from += 1;
  }
  blocks.push(...lines(text.slice(from), depth));
  return blocks;
}

const HEADING = /^(#{1,3}) +(.+)$/;
const SMALL = /^-# +(.+)$/;
const ITEM = /^( *)([-*]|\d{1,9}\.) +(.+)$/;

function lines(text, depth) {
  const blocks = [];
  const all = text === "" ? [] : text.split("\n");
  while (all.length) {
    const block = quote(all, depth) ?? list(all) ?? single(all.shift());
    const last = blocks.at(-1);
    // Consecutive lines are one paragraph, so that a style may span them.
    if (block.type === "p" && last?.type === "p") last.text += `\n${block.text}`;
    else blocks.push(block);
  }
  for (const block of blocks) if (block.type === "p") block.children = inline(block.text);
  return blocks;
}

function single(line) {
  const heading = HEADING.exec(line);
  if (heading) return { type: `h${heading[1].length}`, children: inline(heading[2]) };
  const small = SMALL.exec(line);
  if (small) return { type: "small", children: inline(small[1]) };
  return { type: "p", text: line };
}

function quote(all, depth) {
  if (depth >= DEPTH) return null;
  if (all[0].startsWith(">>> ")) {
    const rest = all.splice(0).join("\n").slice(4);
    return { type: "quote", children: parse(rest, DEPTH) };
  }
  const quoted = [];
  while (all[0]?.startsWith("> ") || (quoted.length && all[0] === ">")) quoted.push(all.shift().slice(2));
  return quoted.length ? { type: "quote", children: parse(quoted.join("\n"), DEPTH) } : null;
}

function list(all) {
  const first = ITEM.exec(all[0]);
  if (!first) return null;
  const isNumbered = first[2].endsWith(".");
  const items = [];
  for (let found = first; found && found[2].endsWith(".") === isNumbered; found = ITEM.exec(all[0] ?? "")) {
    items.push({ level: Math.min(Math.floor(found[1].length / 2), 5), children: inline(found[3]) });
    all.shift();
  }
  return { type: "list", start: isNumbered ? Number.parseInt(first[2], 10) : null, items };
}
