/** Texts and names as SQL writes them. Apart from the database, so that who writes a query need not load one. */
export const sqlText = (text: string): string => `'${text.replaceAll("'", "''")}'`;
export const sqlName = (name: string): string => `"${name.replaceAll('"', '""')}"`;
