// Sessions of a dataset; the chosen one is shown beside.
function render({ model, el }) {
  el.classList.add("wbw");
  el.setAttribute("data-lm-suppress-shortcuts", "true");
  const make = (tag, parent, set) => Object.assign(parent.appendChild(document.createElement(tag)), set);
  const bar = make("div", el, { className: "bar" });
  const filter = make("input", bar, { placeholder: "show sessions whose line holds …", className: "grow" });
  filter.setAttribute("aria-label", "filter of sessions");
  const message = make("span", bar, { className: "message" });
  message.setAttribute("role", "status");
  const list = make("div", el, { className: "list", tabIndex: 0 });
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "sessions; Enter opens");
  const detail = make("div", el, {});
  let at = 0, rows = [];
  const paint = () => {
    rows.forEach((row, number) => row.setAttribute("aria-selected", number === at));
    list.setAttribute("aria-activedescendant", rows[at] ? rows[at].id : "");
    message.textContent = model.get("message");
  };
  const open = () => rows[at] && model.send({ do: "open", name: rows[at].dataset.name });
  const fill = () => {
    list.replaceChildren();
    rows = model.get("rows").map(([name, truth, what], number) => {
      const row = make("div", list, { className: `row ${truth}`, id: `${model.model_id || "wb"}-${number}` });
      row.dataset.name = name;
      row.setAttribute("role", "option");
      make("span", row, { className: "mark", textContent: truth === "malicious" ? "▲ malicious" : "● benign" });
      make("span", row, { textContent: name });
      make("span", row, { className: "dim", textContent: what });
      row.addEventListener("click", () => { at = number; paint(); open(); });
      return row;
    });
    at = 0;
    paint();
  };
  const show = () => { detail.innerHTML = model.get("detail"); }; // escaped by the kernel
  const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: 20, PageUp: -20, Home: -1e9, End: 1e9 };
  list.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in moves) {
      at = Math.max(0, Math.min(rows.length - 1, at + moves[event.key]));
      paint();
      rows[at] && rows[at].scrollIntoView({ block: "nearest" });
    } else if (event.key === "Enter") open();
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
  model.on("change:message", paint);
  model.on("change:detail", show);
  fill();
  show();
  return () => {
    clearTimeout(timer);
    model.off("change:rows", fill);
    model.off("change:message", paint);
    model.off("change:detail", show);
  };
}
export default { render };
