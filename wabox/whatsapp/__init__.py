"""The WhatsApp Cloud API: what Meta sends us (signature, webhook) and what we send Meta (payload, client)."""
