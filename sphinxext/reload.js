// On the pages of make serve alone: when the book was built again, show it.
new WebSocket(`ws://${location.host}/websocket-reload`).onmessage = () => location.reload();
