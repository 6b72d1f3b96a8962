// What the widgets share: elements, a list moved through by keys, typing that is waited out. Stands before each.
const make = (tag, parent, set) => Object.assign(parent.appendChild(document.createElement(tag)), set);
const MOVES = { ArrowDown: 1, ArrowUp: -1, PageDown: 20, PageUp: -20, Home: -1e9, End: 1e9 };

// Take the notebook's keys away from what happens within.
function begin(el) {
  el.classList.add("wbw");
  el.setAttribute("data-lm-suppress-shortcuts", "true");
}

function field(parent, label, value = "") {
  const input = make("input", parent, { value, placeholder: label, className: "grow" });
  input.setAttribute("aria-label", label);
  return input;
}

function status(parent, tag) {
  const message = make(tag, parent, { className: "message" });
  message.setAttribute("role", "status");
  return message;
}

// Call `then` when nothing has been typed for `wait` ms; gives what calls it off.
function settled(input, wait, then) {
  let timer = 0;
  const stop = () => clearTimeout(timer);
  input.addEventListener("input", () => { stop(); timer = setTimeout(then, wait); });
  return stop;
}

// Call a handler for each trait that changes; gives what ends it.
function follow(model, handlers) {
  for (const [trait, handler] of Object.entries(handlers)) model.on(`change:${trait}`, handler);
  return () => { for (const [trait, handler] of Object.entries(handlers)) model.off(`change:${trait}`, handler); };
}

// A list of rows with one chosen by arrows or a click; other keys go to `press(key, row)`, which says if it took one.
function listBox(el, label, id, { press, click = () => {} }) {
  const box = make("div", el, { className: "list", tabIndex: 0 });
  box.setAttribute("role", "listbox");
  box.setAttribute("aria-label", label);
  let at = 0, rows = [];
  const choose = (to) => {
    at = Math.max(0, Math.min(rows.length - 1, to));
    rows.forEach((row, number) => row.setAttribute("aria-selected", number === at));
    box.setAttribute("aria-activedescendant", rows[at] ? rows[at].id : "");
  };
  box.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in MOVES) {
      choose(at + MOVES[event.key]);
      rows[at] && rows[at].scrollIntoView({ block: "nearest" });
    } else if (!rows[at] || !press(event.key, rows[at])) return;
    event.preventDefault();
    event.stopPropagation();
  });
  return {
    fill(items, draw) {
      box.replaceChildren();
      rows = items.map((item, number) => {
        const row = make("div", box, { className: "row", id: `${id}-${number}` });
        row.setAttribute("role", "option");
        draw(row, item);
        row.addEventListener("click", () => { choose(number); click(row); });
        return row;
      });
      choose(at);
    },
    each(paint) { rows.forEach(paint); },
  };
}
