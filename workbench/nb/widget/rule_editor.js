// A rule, and what it does over recordings, told anew a moment after each change.
function render({ model, el }) {
  begin(el);
  const source = make("textarea", el, { value: model.get("source"), spellcheck: false });
  source.setAttribute("aria-label", "Sigma rule");
  const bar = make("div", el, { className: "bar" });
  const name = make("input", bar, { value: model.get("name"), placeholder: "name-of-the-rule" });
  name.setAttribute("aria-label", "name of the rule");
  const save = make("button", bar, { textContent: "Save with a test" });
  const message = status(bar, "span");
  const result = make("div", el, {});
  result.setAttribute("aria-live", "polite");
  const show = () => {
    result.innerHTML = model.get("result"); // escaped by the kernel
    message.textContent = model.get("message");
  };
  source.addEventListener("input", () => { message.textContent = "…"; });
  const stop = settled(source, 400, () => model.send({ do: "try", source: source.value }));
  save.addEventListener("click", () => {
    stop();
    model.send({ do: "save", source: source.value, name: name.value });
  });
  const end = follow(model, { result: show, message: show });
  show();
  return () => { stop(); end(); };
}
export default { render };
