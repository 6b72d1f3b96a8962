// Sessions of a dataset; the chosen one is shown below.
function render({ model, el }) {
  begin(el);
  const bar = make("div", el, { className: "bar" });
  const filter = field(bar, "show sessions whose line holds …");
  const message = status(bar, "span");
  const open = (row) => model.send({ do: "open", name: row.dataset.name });
  const list = listBox(el, "sessions; Enter opens", model.model_id || "wb", {
    press(key, row) {
      if (key === "Enter") open(row);
      return key === "Enter";
    },
    click: open,
  });
  const detail = make("div", el, {});
  const fill = () => list.fill(model.get("rows"), (row, [name, truth, what]) => {
    row.dataset.name = name;
    row.classList.add(truth);
    make("span", row, { className: "mark", textContent: truth === "malicious" ? "▲ malicious" : "● benign" });
    make("span", row, { textContent: name });
    make("span", row, { className: "dim", textContent: what });
  });
  const tell = () => { message.textContent = model.get("message"); };
  const show = () => { detail.innerHTML = model.get("detail"); }; // escaped by the kernel
  const stop = settled(filter, 250, () => model.send({ do: "filter", text: filter.value }));
  const end = follow(model, { rows: fill, message: tell, detail: show });
  fill();
  tell();
  show();
  return () => { stop(); end(); };
}
export default { render };
