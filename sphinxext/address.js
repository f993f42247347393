// Addresses that ask for something: says so, where a page does not have it, and shows the page whole.
{
  const say = (message) => {
    const notice = document.createElement("p");
    notice.className = "address-notice";
    notice.setAttribute("role", "status");
    notice.textContent = message;
    document.querySelector(".address-notice")?.remove();
    document.querySelector("article")?.prepend(notice);
    notice.scrollIntoView({ block: "center" });
  };

  // What the address asks of a table or a chart, by name; null, after saying so, if it asks for what is not there.
  // offered: by name, a test that a value is one the page has.
  const wanted = (offered, whole) => {
    const asked = [...new URLSearchParams(location.search)].filter(([name]) => !/^(utm_|fbclid|gclid|highlight)/.test(name));
    const wrong = asked.find(([name, value]) => !offered[name]?.(value));
    if (!wrong) return Object.fromEntries(asked);
    say(`The address asks for ${wrong.join(" = ")}, which is not here. ${whole}`);
    return null;
  };

  // Keep what was chosen in the address, so that it can be sent; what is as it was at first is left out.
  const keep = (chosen, hash) => {
    const query = new URLSearchParams(chosen).toString();
    history.replaceState(null, "", `${location.pathname}${query && `?${query}`}${hash}`);
  };

  window.bookAddress = { say, wanted, keep };

  const check = () => {
    const name = decodeURIComponent(location.hash.slice(1));
    if (name && !document.getElementById(name)) say(`Nothing here has the name ${name}. This is the whole page.`);
  };
  addEventListener("hashchange", check);
  check();
}
