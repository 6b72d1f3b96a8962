// A rule, and what it does over recordings, told anew a moment after each change.
function render({ model, el }) {
  el.classList.add("wbw");
  el.setAttribute("data-lm-suppress-shortcuts", "true");
  const make = (tag, parent, set) => Object.assign(parent.appendChild(document.createElement(tag)), set);
  const source = make("textarea", el, { value: model.get("source"), spellcheck: false });
  source.setAttribute("aria-label", "Sigma rule");
  const bar = make("div", el, { className: "bar" });
  const name = make("input", bar, { value: model.get("name"), placeholder: "name-of-the-rule" });
  name.setAttribute("aria-label", "name of the rule");
  const save = make("button", bar, { textContent: "Save with a test" });
  const message = make("span", bar, { className: "message" });
  message.setAttribute("role", "status");
  const result = make("div", el, {});
  result.setAttribute("aria-live", "polite");
  const show = () => {
    result.innerHTML = model.get("result"); // escaped by the kernel
    message.textContent = model.get("message");
  };
  let timer = 0;
  source.addEventListener("input", () => {
    clearTimeout(timer);
    message.textContent = "…";
    timer = setTimeout(() => model.send({ do: "try", source: source.value }), 400);
  });
  save.addEventListener("click", () => {
    clearTimeout(timer);
    model.send({ do: "save", source: source.value, name: name.value });
  });
  model.on("change:result", show);
  model.on("change:message", show);
  show();
  return () => { clearTimeout(timer); model.off("change:result", show); model.off("change:message", show); };
}
export default { render };
