"""`python -m genlock` is the `genlock` command."""

from genlock.cli.main import main

if __name__ == "__main__":
    main()
