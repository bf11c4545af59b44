"""The chat page: `ui.app.serve(rag)`; nothing here imports gradio until a page is built."""
