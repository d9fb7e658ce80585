// Slack's own markup: <links>, mentions, *bold*, _italic_, ~struck~, `code`, > quotes. Gives DOM nodes.
import { h } from "./dom.js";

const ENTITIES = { "&lt;": "<", "&gt;": ">", "&amp;": "&" };
const decode = (text) => text.replace(/&(lt|gt|amp);/g, (entity) => ENTITIES[entity]);

const PART = /```([\s\S]+?)```|`([^`\n]+)`|<([^<>\n]+)>|(?<![\w*])\*([^*\n]+)\*(?![\w*])|(?<![\w_])_([^_\n]+)_(?![\w_])|(?<![\w~])~([^~\n]+)~(?![\w~])/g;

export function slackText(text, names) {
  const nodes = [];
  let at = 0;
  for (const found of text.matchAll(PART)) {
    nodes.push(decode(text.slice(at, found.index)), part(found, names));
    at = found.index + found[0].length;
  }
  nodes.push(decode(text.slice(at)));
  return nodes;
}

function part([, fence, code, reference, bold, italic, struck], names) {
  if (fence ?? code) return h("code", {}, decode(fence ?? code));
  if (reference) return refer(reference, names);
  if (bold) return h("strong", {}, slackText(bold, names));
  if (italic) return h("em", {}, slackText(italic, names));
  return h("s", {}, slackText(struck, names));
}

function refer(reference, names) {
  const [target, title] = reference.split("|");
  if (/^https?:/.test(target)) return h("a", { href: decode(target), rel: "noreferrer" }, decode(title ?? target));
  const id = target.replace(/^[@#]|^!subteam\^/, "");
  const name = names.get(id) ?? (title ? decode(title) : id.replace(/^!/, ""));
  return h("span", { class: "mention" }, name.startsWith("#") ? name : `@${name.replace(/^@/, "")}`);
}
