@rem The scripts in package.json begin with `exec`, with which sh leaves its place to the program, so that signals reach it.
@rem On Windows npm runs them with cmd, which finds this file instead.
@%*
