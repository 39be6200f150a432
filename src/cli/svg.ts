/** The few elements that a plot is made of. Places are in pixels, from the upper left corner. Pure. */

/** A whole file; white behind its elements. */
export const svgFile = (width: number, height: number, elements: readonly string[]): string =>
  [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    ...elements,
    '</svg>',
    '',
  ].join('\n');

export const word = (x: number, y: number, anchor: 'start' | 'middle' | 'end', text: string, style = ''): string =>
  `<text x="${place(x)}" y="${place(y)}" text-anchor="${anchor}"${style && ` ${style}`}>${escaped(text)}</text>`;

export const stroke = (x1: number, y1: number, x2: number, y2: number, style: string): string =>
  `<line x1="${place(x1)}" y1="${place(y1)}" x2="${place(x2)}" y2="${place(y2)}" ${style}/>`;

export const dot = (x: number, y: number, colour: string): string =>
  `<circle cx="${place(x)}" cy="${place(y)}" r="4" fill="${colour}"/>`;

const place = (pixels: number): string => pixels.toFixed(1);

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
