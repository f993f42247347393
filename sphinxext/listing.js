// What stands behind a mark of a chart that lists it (usermeta.listing): chosen by mouse, touch or keyboard, listed below
// the chart, and kept in the address with the chart's menus.
{
  const element = (name, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  };
  const link = (prefix, key, text) => element("a", { href: prefix + encodeURIComponent(key.toLowerCase()) }, text);

  const begin = (chart, spec) => {
    const { whole, hash } = spec.usermeta.listing;
    const params = spec.params.filter(({ bind }) => bind);
    const offered = { cell: () => true }; // whether a mark has this name is known when the chart is drawn
    for (const { name, bind } of params)
      offered[name] = (value) =>
        bind.options ? bind.options.includes(value) : value !== "" && +value >= bind.min && +value <= bind.max;
    const asked = bookAddress.wanted(offered, whole) ?? {};
    if (Object.keys(asked).length) chart.scrollIntoView();
    chart.addEventListener("chart:live", ({ detail: view }) => follow(chart, spec, params, asked, view, whole, hash));
  };

  const follow = async (chart, spec, params, asked, view, whole, hash) => {
    const { marks, group, item } = spec.usermeta.listing;
    const menus = chart.querySelector(".vega-bindings");
    menus.parentElement.prepend(menus); // a reader meets them first, and so does Tab
    const panel = element("section", { className: "listing", hidden: true });
    panel.setAttribute("aria-live", "polite");
    chart.append(panel);

    const drawn = () => [...chart.querySelectorAll(`.${marks} > path`)];
    const datum = (path) => path.__data__.datum;
    const find = (cell) => drawn().find((path) => datum(path).cell === cell);

    const show = (path) => {
      view.signal("cell", path ? datum(path).cell : "").run();
      panel.hidden = !path;
      if (path) panel.replaceChildren(...list(datum(path)));
      remember();
    };

    const list = ({ behind, says }) => {
      const groups = Map.groupBy ? Map.groupBy(behind, (d) => d[group.key]) : behind.reduce((all, d) =>
        all.set(d[group.key], [...(all.get(d[group.key]) ?? []), d]), new Map());
      const close = element("button", { type: "button", onclick: () => show() }, "Close");
      const rows = [...groups.values()].map((rows) => {
        const [first] = rows;
        const sources = rows.filter((d) => d[item.key]).flatMap((d, n) => [n ? "; " : "", link(item.href, d[item.key], d[item.text])]);
        return element("li", {}, link(group.href, first[group.key], first[group.key]), ` ${first[group.text]} `,
          element("em", {}, first[group.note]), ". ", ...(sources.length ? sources : [item.none]));
      });
      return [element("p", { className: "listing-head" }, says, close), element("ul", {}, ...rows)];
    };

    const remember = () => {
      const chosen = {};
      for (const { name, value } of params) if (`${view.signal(name)}` !== `${value}`) chosen[name] = view.signal(name);
      if (view.signal("cell")) chosen.cell = view.signal("cell");
      bookAddress.keep(chosen, Object.keys(chosen).length ? hash : location.hash);
    };

    // One mark can be reached by Tab; the arrows go from mark to mark.
    const tend = () => {
      const paths = drawn();
      if (!paths.some((path) => path.tabIndex === 0)) paths[0]?.setAttribute("tabindex", "0");
      for (const path of paths) {
        path.setAttribute("role", "button");
        if (!path.hasAttribute("tabindex")) path.setAttribute("tabindex", "-1");
      }
    };
    const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const next = (path, [dx, dy]) => {
      const { x, y } = path.__data__;
      const away = (other) => {
        const [along, across] = [(other.x - x) * dx + (other.y - y) * dy, Math.abs((other.x - x) * dy + (other.y - y) * dx)];
        return along > 1 ? along + 3 * across : Infinity; // straight on before nearby
      };
      const [best] = drawn().sort((a, b) => away(a.__data__) - away(b.__data__));
      return away(best.__data__) < Infinity ? best : path;
    };
    chart.addEventListener("keydown", (event) => {
      const path = event.target.closest(`.${marks} > path`);
      if (event.key === "Escape") return show();
      if (!path) return;
      if (event.key === "Enter" || event.key === " ") show(path);
      else if (ways[event.key]) {
        const to = next(path, ways[event.key]);
        path.setAttribute("tabindex", "-1");
        to.setAttribute("tabindex", "0");
        to.focus();
      } else return;
      event.preventDefault();
    });
    chart.addEventListener("click", (event) => {
      const path = event.target.closest(`.${marks} > path`);
      if (path) show(path);
    });

    const refresh = async () => {
      await view.runAsync();
      tend();
      const chosen = view.signal("cell");
      if (chosen) show(find(chosen)); // recounted, or gone
      else remember();
    };
    const { cell, ...settings } = asked;
    for (const [name, value] of Object.entries(settings)) view.signal(name, Number.isNaN(+value) ? value : +value);
    await view.runAsync();
    tend();
    if (cell && !find(cell)) {
      bookAddress.say(`The address asks for ${cell}, which is not here. ${whole}`);
      for (const { name, value } of params) view.signal(name, value);
      await view.runAsync();
    } else if (cell) show(find(cell));
    for (const { name } of params) view.addSignalListener(name, refresh);
  };

  for (const chart of document.querySelectorAll(".vega-chart")) {
    const spec = JSON.parse(chart.querySelector("script").textContent);
    if (spec.usermeta?.listing) begin(chart, spec);
  }
}
