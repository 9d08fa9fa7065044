/** Whether a file that is submitted is a DAG: a script's first lines could look like anything. */
export const isDagFile = (file: string): boolean => /\.dag\.ya?ml$/.test(file);
