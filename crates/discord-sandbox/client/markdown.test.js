// Run by hand with `node --test`: the project itself needs no Node.js.

import assert from "node:assert/strict";
import test from "node:test";

import { inline, parse } from "./markdown.js";

const text = (nodes) => nodes.map((one) => (typeof one === "string" ? one : `[${one.type} ${one.id ?? one.text ?? text(one.children ?? [])}]`)).join("");

test("styles nest and end where they should", () => {
  for (const [source, drawn] of [
    ["**a** *b* __c__ ~~d~~ `e` ||f||", "[strong a] [em b] [u c] [s d] [code e] [spoiler f]"],
    ["***x***", "[strong [em x]]"],
    ["snake_case_name _it_", "snake_case_name [em it]"],
    ["\\*no\\* \\<@1>", "*no* <@1>"],
    ["2 * 3 * 4 **open", "2 * 3 * 4 **open"],
    ["``a`b`` ` alone", "[code a`b] ` alone"],
    ["<@1> <@!2> <@&3> <#4> </a b:5>", "[mention 1] [mention 2] [mention 3] [mention 4] [command 5]"],
    ["<b>x</b> [y](javascript:z)", "<b>x</b> [y](javascript:z)"],
    ["[t](https://x.y/z) https://a.b/c. <https://q.r>", "[link t] [link https://a.b/c]. [link https://q.r]"],
  ]) assert.equal(text(inline(source)), drawn, source);
});

test("blocks are recognized at the beginning of a line", () => {
  const types = (source) => parse(source).map((one) => one.type).join(" ");
  assert.equal(types("# a\n## b\n-# c\n> d\n> e\n- f\n  - g\n1. h\nplain\nplain"), "h1 h2 small quote list list p");
  assert.equal(types("a\n```rust\n**b**\n```\nc"), "p pre p");
  assert.equal(types(">>> a\n# b"), "quote");
  assert.equal(types("#a\n>b"), "p");
});

test("hostile texts take no time", () => {
  for (const part of ["*", "_", "`", "[", "||", "> ", "**a", "`a``", "[a](", "- a\n", "```a\n", "<t:"]) {
    const begin = performance.now();
    parse(part.repeat(4000 / part.length));
    assert.ok(performance.now() - begin < 1000, part);
  }
});
