/* Long tables (fflib/book/tables/look.py): a press on a head sorts them; those of many screens are filtered and
   shown a part at a time. Without scripts a reader has all rows. */
(() => {
  const MANY = 60, SHOWN = 25;
  const collator = new Intl.Collator('en', {numeric: true});
  const value = (row, column) => row.cells[column].textContent.trim().replace('\u2212', '-');
  const compare = (a, b) => {
    const [one, other] = [parseFloat(a), parseFloat(b)];
    return Number.isNaN(one) || Number.isNaN(other) || one === other
      ? collator.compare(a, b) : one - other;
  };

  const sortable = (table, changed) => {
    const heads = [...table.tHead.rows].at(-1).cells;
    const all = table.tHead.rows.length === 1 ? [...heads] : [];
    all.forEach((head, column) => {
      if (!head.textContent.trim()) return;  // a button needs a name
      const button = document.createElement('button');
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener('click', () => {
        const up = head.getAttribute('aria-sort') !== 'ascending';
        all.forEach((other) => other.removeAttribute('aria-sort'));
        head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
        const rows = [...table.tBodies[0].rows]
          .sort((a, b) => (up ? 1 : -1) * compare(value(a, column), value(b, column)));
        table.tBodies[0].append(...rows);
        changed();
      });
    });
  };

  const inParts = (table) => {
    const tools = document.createElement('div');
    tools.className = 'table-tools';
    table.classList.add('in-parts');
    tools.innerHTML = '<label>Rows with <input type="search"></label> <span role="status"></span>'
      + ' <button>Previous</button> <button>Next</button>';
    const [before, after] = tools.querySelectorAll('button');
    const search = tools.querySelector('input');
    let first = 0;
    const show = () => {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      const rows = [...table.tBodies[0].rows];
      const found = rows.filter((row) => {
        const text = row.textContent.toLowerCase();
        return words.every((word) => text.includes(word));
      });
      first = Math.max(0, Math.min(first, found.length - 1));
      first -= first % SHOWN;
      const shown = new Set(found.slice(first, first + SHOWN));
      rows.forEach((row) => { row.hidden = !shown.has(row); });
      tools.querySelector('span').textContent = shown.size
        ? `${first + 1} to ${first + shown.size} of ${found.length}` : 'none';
      before.disabled = !first;
      after.disabled = first + SHOWN >= found.length;
    };
    const turn = (by) => () => { first += by; show(); };
    before.addEventListener('click', turn(-SHOWN));
    after.addEventListener('click', turn(SHOWN));
    const anew = () => { first = 0; show(); };
    search.addEventListener('input', anew);
    (table.closest('.pst-scrollable-table-container') ?? table).before(tools);
    show();
    return anew;
  };

  document.querySelectorAll('table.long').forEach((table) => {
    sortable(table, table.tBodies[0].rows.length > MANY ? inParts(table) : () => {});
  });
})();
