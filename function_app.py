from functions.app import build

app = build()
