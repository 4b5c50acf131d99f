from genkan_hub import configure

configure(c)
