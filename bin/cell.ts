/** A name or a piece of code, as a cell of a table in a guide has it. */
export const code = (text: string): string => `\`${text.trim().replaceAll('|', '\\|')}\``;
