// The little of a page that needs a script: the choice of colours, links and code to copy, the data of a chart as a table,
// boxes that scroll, the index of the search.
{
  const root = document.documentElement;
  const make = (name, properties) => Object.assign(document.createElement(name), properties);

  // Colours: the button says what it would do; without a choice the system's are followed.
  const button = document.querySelector(".colours");
  const other = () => (root.dataset.theme === "dark" ? "light" : "dark");
  const name = () => { button.textContent = other() === "dark" ? "Dark" : "Light"; };
  const show = (theme) => { root.dataset.theme = theme; name(); };
  button.hidden = false;
  button.ariaLabel = null;
  name();
  button.addEventListener("click", () => {
    show(other());
    try { localStorage.setItem("theme", root.dataset.theme); } catch { /* the choice lasts as long as the page */ }
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (system) => {
    try { if (localStorage.getItem("theme")) return; } catch { /* nothing was chosen */ }
    show(system.matches ? "dark" : "light");
  });

  // The index of the search page is large: it is fetched when something is looked for.
  if (typeof Search !== "undefined" && location.search) Search.loadIndex(`${root.dataset.content_root}searchindex.js`);

  // Copying: what was copied is said to everyone.
  const voice = document.body.appendChild(make("p", { className: "unseen", role: "status" }));
  const copy = async (text, told) => {
    try { await navigator.clipboard.writeText(text); } catch { return; }
    told.classList.add("copied");
    voice.textContent = "Copied";
    setTimeout(() => { told.classList.remove("copied"); voice.textContent = ""; }, 1500);
  };
  const offer = (code) => {
    if (code.querySelector(".copy")) return;
    const copier = make("button", { type: "button", className: "copy", textContent: "Copy" });
    copier.addEventListener("click", () => copy(code.querySelector("pre").textContent, copier));
    code.append(copier);
  };
  document.querySelectorAll(".headerlink").forEach((link) => link.addEventListener("click", () => copy(link.href, link))); // and go there

  // The data of a chart, as a table, when a reader opens it: the largest set of its specification, as the first file has it.
  const short = (value) => (Number.isFinite(value) && !Number.isInteger(value) ? +value.toPrecision(4) : value ?? "–"); // the file has every digit
  const tabulate = (details) => {
    const figure = details.closest("figure");
    const sets = Object.values(JSON.parse(figure.querySelector(".vega-chart script").textContent).datasets);
    const rows = sets.sort((one, other) => other.length - one.length)[0];
    const names = [...new Set(rows.flatMap(Object.keys))];
    const table = make("table", { className: "data" });
    table.createCaption().textContent = `${figure.querySelector(".caption-number").textContent.trim()}: ${rows.length} rows`;
    const head = table.createTHead().insertRow();
    names.forEach((name) => head.append(make("th", { scope: "col", textContent: name })));
    const body = table.createTBody();
    rows.forEach((row) => {
      const line = body.insertRow();
      names.forEach((name) => { line.insertCell().textContent = short(row[name]); });
    });
    const frame = make("div", { className: "pst-scrollable-table-container" });
    frame.append(table);
    details.append(frame);
    watch.observe(frame);
  };
  document.querySelectorAll(".chart-data").forEach((details) => details.addEventListener("toggle", () => tabulate(details), { once: true }));

  // What is wider than its box scrolls, and a keyboard must reach it to scroll it. Code gets its button when it is seen.
  const reach = ([box, scrolls, seen]) => {
    const caption = box.querySelector("caption .caption-number, caption");
    if (scrolls)
      Object.assign(box, { tabIndex: 0, role: "region", ariaLabel: `${caption?.textContent.trim() ?? "Code"}, scrolls` });
    else ["tabindex", "role", "aria-label"].forEach((attribute) => box.removeAttribute(attribute));
    if (seen && box.tagName === "PRE" && box.parentElement.matches(".highlight")) offer(box.parentElement);
  };
  const watch = new ResizeObserver((boxes) => // first all is measured, then all is changed
    boxes.map(({ target: box }) => [box, box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight, box.clientWidth > 0]).forEach(reach));
  document.querySelectorAll("pre, .pst-scrollable-table-container").forEach((box) => watch.observe(box));
}
