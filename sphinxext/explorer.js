// A table of class explorer becomes one to search, sort and filter, with DataTables. Its links to records on the same page open
// the record under the row. What was chosen is kept in the address. Without this script it is a plain table above its records.
{
  const element = (name, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  };

  const explore = (table) => {
    const heads = [...table.tHead.rows[0].cells].map((cell) => cell.textContent.trim());
    const rows = [...table.tBodies[0].rows];
    const opener = (row) => row.querySelector('a.html-only[href^="#"], .html-only a[href^="#"]');
    const name = (row) => opener(row)?.getAttribute("href").slice(1);
    const record = (row) => document.getElementById(name(row) ?? "");
    const home = record(rows[0])?.parentElement;
    for (const row of rows) // a search reads the record too
      row.cells[0].dataset.search = `${row.cells[0].textContent} ${record(row)?.textContent ?? ""}`;

    // A menu for each column of codes, over the codes that occur; a cell may hold several, with commas between.
    const codes = (n) => new Set(rows.flatMap((row) => row.cells[n].textContent.trim().split(", ")));
    const menus = heads.flatMap((head, n) => {
      const values = n ? [...codes(n)].sort() : [];
      if (values.every((value) => value !== "" && !Number.isNaN(+value)) || values.length > 40) return [];
      const key = head.toLowerCase().replace(/\W+/g, "-");
      const select = element("select", { id: `menu-${key}` }, new Option("all", ""), ...values.map((value) => new Option(value, value)));
      return [{ head, n, select, key }];
    });

    const tables = jQuery(table).DataTable({
      autoWidth: false,
      columnDefs: [{ targets: "_all", orderSequence: ["asc", "desc"] }],
      language: { search: "Search in this table", lengthMenu: "_MENU_ rows a page", info: "_START_ to _END_ of _TOTAL_", infoFiltered: "of _MAX_ in all",
        infoEmpty: "None", zeroRecords: "No row has all of this. Widen the search or the menus.", emptyTable: "No rows" },
      order: [],
      pageLength: 25,
    });

    const search = tables.table().container().querySelector("input[type=search]");
    const clear = element("button", { type: "button", className: "clear" }, "Clear all");
    const panel = element("div", { className: "explorer-menus" },
      ...menus.map(({ head, select }) => element("div", {}, element("label", { htmlFor: select.id }, head), select)), clear);
    tables.table().container().before(panel);
    if (home) home.hidden = true;
    document.querySelectorAll(".records-head").forEach((text) => (text.hidden = true));

    const filter = ({ n, select }) => {
      const wanted = select.value;
      tables.column(n).search(wanted ? (text) => text === wanted || text.split(", ").includes(wanted) : "");
    };
    const chosen = () => {
      const found = Object.fromEntries(menus.filter(({ select }) => select.value).map(({ key, select }) => [key, select.value]));
      return search.value ? { find: search.value, ...found } : found; // Sphinx's own search takes q
    };
    const keep = (hash = "") => bookAddress.keep(chosen(), hash);

    const opened = new Set();
    const close = (row) => {
      home.append(record(row));
      tables.row(row).child.remove();
      opener(row).setAttribute("aria-expanded", "false");
      opened.delete(row);
    };
    const open = (row) => {
      tables.row(row).child(record(row), "record-row").show();
      opener(row).setAttribute("aria-expanded", "true");
      opened.add(row);
    };
    tables.on("preDraw", () => opened.forEach(close)); // a record on a page of the table that is not shown could not be found

    if (home) {
      for (const row of rows) {
        opener(row).setAttribute("role", "button");
        opener(row).setAttribute("aria-expanded", "false");
      }
      table.addEventListener("click", (event) => {
        const link = event.target.closest("a");
        const row = event.target.closest("tr");
        if (!link || link !== opener(row)) return;
        event.preventDefault();
        opened.has(row) ? close(row) : open(row);
        keep(opened.has(row) ? `#${name(row)}` : "");
      });
      table.addEventListener("keydown", (event) => {
        if (event.key === " " && event.target.getAttribute("role") === "button") {
          event.preventDefault();
          event.target.click();
        }
      });
    }

    const reset = () => {
      for (const menu of menus) menu.select.value = "";
      menus.forEach(filter);
      tables.search("").draw();
    };
    clear.addEventListener("click", () => { reset(); keep(); search.focus(); });
    for (const menu of menus)
      menu.select.addEventListener("change", () => { filter(menu); tables.draw(); keep(); });
    tables.on("search.dt", () => keep(location.hash));

    // Show the row that an address names, its record open, on whichever page of the table it is.
    const goTo = (hash) => {
      const row = hash && rows.find((row) => name(row) === decodeURIComponent(hash.slice(1)));
      if (!row) return;
      if (!tables.rows({ search: "applied" }).nodes().toArray().includes(row)) reset();
      const at = tables.rows({ search: "applied", order: "applied" }).nodes().toArray().indexOf(row);
      tables.page(Math.floor(at / tables.page.len())).draw("page");
      if (!opened.has(row)) open(row);
      opener(row).focus({ preventScroll: true });
      row.scrollIntoView({ block: "start" });
    };

    const offered = { find: () => true };
    for (const { key, select } of menus) offered[key] = (value) => [...select.options].some((option) => option.value === value);
    const asked = bookAddress.wanted(offered, "The table is shown whole.");
    for (const menu of menus) if (asked?.[menu.key]) { menu.select.value = asked[menu.key]; filter(menu); }
    if (asked?.find) tables.search(asked.find);
    if (asked && Object.keys(asked).length) { tables.draw(); if (!location.hash) panel.scrollIntoView(); }
    goTo(location.hash);
    addEventListener("hashchange", () => goTo(location.hash));
  };

  // By an address that asks for something in it, a table begins at once. If DataTables does not come, all rows are shown.
  const fail = (table, error) => { table.classList.add("plain"); console.error(error); };
  const start = (table) => bookLazy.load("datatables.js").then(() => explore(table)).catch((error) => fail(table, error));
  const all = document.querySelectorAll("table.explorer");
  location.search || location.hash ? all.forEach(start) : bookLazy.near(all, "100px", start);
}
