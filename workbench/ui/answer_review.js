const KEYS = { f: ".wb-review-caption textarea", b: ".wb-review-note textarea", n: ".wb-review-next" };

element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-answer]");
  if (button && !button.disabled) trigger("select", { answer: Number(button.dataset.answer) });
});

watch("value", () => {
  if (element.checkVisibility() && element.getBoundingClientRect().top < 0) element.scrollIntoView({ block: "start" });
});

document.addEventListener("keydown", (event) => {
  const types = event.target.closest("input, textarea, select, [contenteditable]");
  if (types || event.ctrlKey || event.metaKey || event.altKey || !element.checkVisibility()) return;
  const nth = element.querySelectorAll("[data-answer]")[Number(event.key) - 1];
  const named = KEYS[event.key] && document.querySelector(KEYS[event.key]);
  if (nth) nth.click();
  else if (named && event.key === "n") named.click();
  else if (named) named.focus();
  else return;
  event.preventDefault();
});
