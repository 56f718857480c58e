"""``wabox serve --print-proxy``: what a reverse proxy has to be told, to be copied."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wabox.settings import Settings


def lines(settings: Settings) -> str:
    """For Caddy, and for nginx with certbot. A proxy says where the caller comes from, and wabox believes it from loopback."""
    domain = settings.domain.name if settings.domain is not None else "bot.example.org"
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104 - compared, not bound
    to = f"[{host}]:{settings.port}" if ":" in host else f"{host}:{settings.port}"
    return f"""\
# Caddy: the whole of /etc/caddy/Caddyfile. It obtains and renews the certificate.
{domain} {{
    request_body {{
        max_size 100MB
    }}
    reverse_proxy {to} {{
        flush_interval -1
    }}
}}

# nginx: /etc/nginx/sites-enabled/wabox; then: certbot --nginx -d {domain}
server {{
    listen 80;
    listen [::]:80;
    server_name {domain};
    client_max_body_size 100m;
    location / {{
        proxy_pass http://{to};
        proxy_http_version 1.1;
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header Connection "";
        proxy_buffering off;
        proxy_read_timeout 1h;
    }}
}}

# In Meta's webhook form: https://{domain}/webhook
# wabox listens at {to}. For the console from elsewhere: [server] admin = "all"."""
