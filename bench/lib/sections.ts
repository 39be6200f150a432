/** Parts of a page that a program writes, each between `<!-- bench:NAME -->` and `<!-- /bench:NAME -->`. Pure. */

/** The page with these texts in their places; a place that has no text keeps its own. */
export const fillSections = (page: string, texts: ReadonlyMap<string, string>): string =>
  page.replaceAll(
    /(<!-- bench:([\w-]+) -->\n)[^]*?(<!-- \/bench:\2 -->)/g,
    (whole, begin: string, name: string, end: string) => {
      const text = texts.get(name);
      return text === undefined ? whole : `${begin}\n${text}\n${end}`;
    },
  );
