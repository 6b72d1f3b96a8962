// Events of a recording, labelled with single keys.
const KEYS = { m: "malicious", b: "benign", u: "" };
function render({ model, el }) {
  el.classList.add("wbw");
  el.setAttribute("data-lm-suppress-shortcuts", "true");
  const make = (tag, parent, set) => Object.assign(parent.appendChild(document.createElement(tag)), set);
  const bar = make("div", el, { className: "bar" });
  const field = (name, label, value) => {
    const input = make("input", bar, { value, placeholder: label, className: "grow" });
    input.setAttribute("aria-label", label);
    input.dataset.name = name;
    return input;
  };
  const filter = field("filter", "show events whose text holds …", "");
  const step = field("step", "step, such as read-credential", model.get("step"));
  const techniques = field("techniques", "techniques, such as T1552.001", model.get("techniques"));
  const list = make("div", el, { className: "list", tabIndex: 0 });
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "events");
  const help = make("div", el, { className: "bar" });
  for (const [key, what] of [["↑↓", "move"], ["m", "malicious"], ["b", "benign"], ["u", "no label"],
                             ["c", "event or whole tool call"], ["s", "save"]]) {
    make("kbd", help, { textContent: key });
    make("span", help, { textContent: what });
  }
  const scope = make("span", help, {});
  const message = make("div", el, { className: "message" });
  message.setAttribute("role", "status");
  let at = 0, whole = false, rows = [];
  const told = { malicious: "▲ malicious", benign: "● benign" };
  const paint = () => {
    const marks = model.get("marks");
    rows.forEach((row, number) => {
      const label = marks[row.dataset.id] || "";
      row.className = "row " + label;
      row.firstChild.textContent = told[label] || "";
      row.setAttribute("aria-selected", number === at);
    });
    list.setAttribute("aria-activedescendant", rows[at] ? rows[at].id : "");
    scope.textContent = whole ? "keys label the whole tool call" : "keys label one event";
    message.textContent = model.get("message");
  };
  const fill = () => {
    list.replaceChildren();
    rows = model.get("rows").map(([id, time, what, call], number) => {
      const row = make("div", list, { id: `${model.model_id || "wb"}-${number}` });
      row.dataset.id = id;
      row.setAttribute("role", "option");
      make("span", row, { className: "mark" });
      make("span", row, { className: "dim", textContent: time });
      make("span", row, { textContent: what });
      make("span", row, { className: "dim", textContent: call });
      row.addEventListener("click", () => { at = number; paint(); });
      return row;
    });
    at = Math.min(at, Math.max(rows.length - 1, 0));
    paint();
  };
  const move = (to) => {
    at = Math.max(0, Math.min(rows.length - 1, to));
    paint();
    rows[at] && rows[at].scrollIntoView({ block: "nearest" });
  };
  const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: 20, PageUp: -20, Home: -1e9, End: 1e9 };
  list.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in moves) move(at + moves[event.key]);
    else if (event.key in KEYS && rows[at])
      model.send({ do: "mark", event: rows[at].dataset.id, label: KEYS[event.key], whole,
                   step: step.value, techniques: techniques.value });
    else if (event.key === "c") { whole = !whole; paint(); }
    else if (event.key === "s") model.send({ do: "save" });
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  let timer = 0;
  filter.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => model.send({ do: "filter", text: filter.value }), 250);
  });
  model.on("change:rows", fill);
  model.on("change:marks", paint);
  model.on("change:message", paint);
  fill();
  return () => {
    clearTimeout(timer);
    model.off("change:rows", fill);
    model.off("change:marks", paint);
    model.off("change:message", paint);
  };
}
export default { render };
