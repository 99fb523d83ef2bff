"""Django's commands, where operators look for them: `python manage.py <command>`."""

from seatrial.control.manage import main

if __name__ == "__main__":
    main()
