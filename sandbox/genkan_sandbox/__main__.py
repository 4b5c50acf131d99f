from genkan_sandbox.cli import main

main()
