package conformance;

import java.net.URI;

/** What the suite tells a program through its environment. */
final class Settings {
    private Settings() {}

    static String text(String name) {
        String value = System.getenv(name);
        if (value == null) {
            throw new IllegalStateException(name + " is not set");
        }
        return value;
    }

    static int number(String name) {
        return Integer.parseInt(text(name));
    }

    /** The server's plain endpoint. */
    static URI endpoint() {
        return URI.create(text("ENDPOINT"));
    }

    /** The same server over TLS. */
    static URI tlsEndpoint() {
        return URI.create("https://localhost:" + text("TLS_PORT"));
    }
}
