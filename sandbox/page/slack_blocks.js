// Block Kit: what messages and views hold. Elements that a person can use call `use.press`, fields of a view `use.fill`.
import { h } from "./dom.js";
import { slackText } from "./slack_text.js";

// use: { names, people, press(element, value), fill(block, element, value), filled(block, element), errors }
export function drawBlock(block, use) {
  const text = (part) => slackText(part?.text ?? "", use.names);
  switch (block.type) {
    case "header": return h("div", { class: "block header" }, text(block.text));
    case "divider": return h("hr");
    case "image": return h("div", { class: "block quiet" }, `Image: ${block.alt_text}`);
    case "context": return h("div", { class: "block context" }, (block.elements ?? []).map((part) => h("span", {}, part.type === "image" ? part.alt_text : text(part), " ")));
    case "section": return h("div", { class: "block section" }, h("div", {}, block.text ? text(block.text) : "", (block.fields ?? []).map((part) => h("div", {}, text(part)))), block.accessory && element(block, block.accessory, use));
    case "actions": return h("div", { class: "block buttons" }, (block.elements ?? []).map((part) => element(block, part, use)));
    case "input": return field(block, use);
    case "table": return h("div", { class: "wide" }, h("table", {}, (block.rows ?? []).map((cells) => h("tr", {}, cells.map((cell) => h("td", {}, plain(cell)))))));
    case "rich_text": return h("div", { class: "block" }, plain(block));
    default: return h("div", { class: "block quiet" }, block.text ? text(block.text) : `(${block.type} block) ${plain(block)}`);
  }
}

// The words in a rich text tree.
export function plain(node) {
  return [node.text?.text ?? node.text ?? "", ...(node.elements ?? []).map(plain)].join("").trim();
}

function element(block, part, use) {
  if (part.type === "image") return h("span", { class: "quiet" }, part.alt_text);
  if (part.type !== "button") return chooser(part, "", use, (value) => use.press(part, value));
  const look = { primary: "go", danger: "danger" }[part.style];
  return h("button", { type: "button", class: look, onclick: () => agreed(part.confirm) && use.press(part, part.value) }, part.text.text, part.url && " ↗");
}

function agreed(confirm) {
  return !confirm || window.confirm(`${confirm.title.text}\n\n${confirm.text.text}\n\n[${confirm.deny.text}]  [${confirm.confirm.text}]`);
}

function options(part, people) {
  const listed = [...(part.options ?? []), ...(part.option_groups ?? []).flatMap((group) => group.options)].map((each) => [each.value, each.text.text]);
  return part.type.includes("users_select") ? people.map((person) => [person.id, person.name]) : listed;
}

// A menu, date, time or anything else with one value; told at once when it changes.
function chooser(part, value, use, tell) {
  const title = part.placeholder?.text ?? "Choose";
  if (part.type.includes("picker")) {
    const type = { datepicker: "date", timepicker: "time" }[part.type] ?? "number";
    return h("input", { type, value: value || (part.initial_date ?? part.initial_time ?? ""), "aria-label": title, onchange: (event) => tell(event.target.value) });
  }
  if (part.type === "checkboxes" || part.type === "multi_static_select") {
    const chosen = new Set(value || (part.initial_options ?? []).map((each) => each.value));
    return h("span", { class: "ticks" }, options(part, use.people).map(([id, name]) => h("label", {},
      h("input", { type: "checkbox", checked: chosen.has(id), onchange: (event) => { chosen[event.target.checked ? "add" : "delete"](id); tell([...chosen]); } }), name)));
  }
  const known = options(part, use.people);
  if (known.length === 0) return h("input", { value: value || "", placeholder: title, "aria-label": title, onchange: (event) => tell(event.target.value) });
  const first = value || part.initial_option?.value || part.initial_user || "";
  return h("select", { "aria-label": title, onchange: (event) => event.target.value && tell(event.target.value) },
    h("option", { value: "" }, title), known.map(([id, name]) => h("option", { value: id, selected: id === first }, name)));
}

const TYPES = { email_text_input: "email", url_text_input: "url", number_input: "number" };

function field(block, use) {
  const part = block.element;
  const fill = (value) => use.fill(block, part, value);
  const kept = use.filled(block, part);
  const problem = use.errors?.[block.block_id];
  const id = `field-${block.block_id}`;
  const typed = { id, placeholder: part.placeholder?.text, oninput: (event) => fill(event.target.value) };
  const written = kept ?? part.initial_value ?? "";
  const input = part.type.endsWith("_input")
    ? part.multiline ? h("textarea", { ...typed, rows: 4 }, written) : h("input", { ...typed, type: TYPES[part.type] ?? "text", value: written })
    : chooser(part, kept, use, fill);
  return h("label", { class: "block field" }, h("span", {}, h("strong", {}, block.label.text), block.optional && h("span", { class: "quiet" }, " (optional)")),
    input, block.hint && h("span", { class: "quiet" }, block.hint.text), problem && h("span", { class: "problem", role: "alert" }, problem));
}
