// Keeps a core busy until its parent is gone.

const parent = process.ppid;
while (process.ppid === parent) for (let i = 0; i < 1e7; i++);
