// Events of a recording, labelled with single keys.
const KEYS = { m: "malicious", b: "benign", u: "" };
const HELP = { "↑↓": "move", m: "malicious", b: "benign", u: "no label", c: "event or whole tool call", s: "save" };
const TOLD = { malicious: "▲ malicious", benign: "● benign" };

function render({ model, el }) {
  begin(el);
  const bar = make("div", el, { className: "bar" });
  const filter = field(bar, "show events whose text holds …");
  const step = field(bar, "step, such as read-credential", model.get("step"));
  const techniques = field(bar, "techniques, such as T1552.001", model.get("techniques"));
  let whole = false;
  const list = listBox(el, "events", model.model_id || "wb", {
    press(key, row) {
      if (key in KEYS)
        model.send({ do: "mark", event: row.dataset.id, label: KEYS[key], whole,
                     step: step.value, techniques: techniques.value });
      else if (key === "c") { whole = !whole; paint(); }
      else if (key === "s") model.send({ do: "save" });
      else return false;
      return true;
    },
  });
  const help = make("div", el, { className: "bar" });
  for (const [key, what] of Object.entries(HELP)) {
    make("kbd", help, { textContent: key });
    make("span", help, { textContent: what });
  }
  const scope = make("span", help, {});
  const message = status(el, "div");
  const paint = () => {
    const marks = model.get("marks");
    list.each((row) => {
      const label = marks[row.dataset.id] || "";
      row.className = "row " + label;
      row.firstChild.textContent = TOLD[label] || "";
    });
    scope.textContent = whole ? "keys label the whole tool call" : "keys label one event";
    message.textContent = model.get("message");
  };
  const fill = () => {
    list.fill(model.get("rows"), (row, [id, time, what, call]) => {
      row.dataset.id = id;
      make("span", row, { className: "mark" });
      make("span", row, { className: "dim", textContent: time });
      make("span", row, { textContent: what });
      make("span", row, { className: "dim", textContent: call });
    });
    paint();
  };
  const stop = settled(filter, 250, () => model.send({ do: "filter", text: filter.value }));
  const end = follow(model, { rows: fill, marks: paint, message: paint });
  fill();
  return () => { stop(); end(); };
}
export default { render };
