const CLOSES_PX = 14;

element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  const view = event.target.closest(".wb-mask-view");
  if (button) props.value = button.dataset.do === "clear" ? { ...props.value, areas: [], open: [] } : undone(props.value);
  else if (view) props.value = withCorner(props.value, event, view.getBoundingClientRect());
});

function withCorner(value, event, box) {
  const corner = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  const [first] = value.open;
  const closes =
    value.open.length >= 3 &&
    Math.hypot((corner[0] - first[0]) * box.width, (corner[1] - first[1]) * box.height) < CLOSES_PX;
  if (closes) return { ...value, areas: [...value.areas, value.open], open: [] };
  return { ...value, open: [...value.open, corner.map((part) => Math.min(1, Math.max(0, Number(part.toFixed(4)))))] };
}

function undone(value) {
  if (value.open.length) return { ...value, open: value.open.slice(0, -1) };
  return { ...value, areas: value.areas.slice(0, -1) };
}
